import { Reducer, type ServedCall } from '@captrain/exchange';
import type { WireFormat } from '@captrain/protos';
import type { GradientRange } from './even-ranges.js';
import type { Attempt, Destination, Reduction } from './reduction.js';

/** `--reduce coordinator`: this process adds up, chunk by chunk. With other ways it does where a sum is in doubt. */
export class ReduceHere implements Reduction {
  readonly isCollective = false;
  readonly isByRange = false;
  private readonly reducer: Reducer;
  private generation = 0;
  private opened = false;
  private finite: boolean | undefined;

  constructor(
    private readonly format: WireFormat,
    onRefused: (refusal: { worker: number; generation: number; reason: string; kind: string }) => void,
  ) {
    this.reducer = new Reducer({
      onRefused: (worker, reason, kind) => {
        // A call for a plan that was replaced meanwhile is nobody's fault.
        if (kind !== 'stale') onRefused({ worker, reason, kind, generation: this.generation });
      },
    });
  }

  handle(call: ServedCall): void {
    this.reducer.handle(call);
  }

  /** For ways in which workers add up among themselves: a call that no sum in doubt is open for is refused. */
  handleIfOpen(call: ServedCall): void {
    if (this.isOpen) this.handle(call);
    else call.refuse('The workers of this run add gradients up among themselves.');
  }

  open({ generation, step, leaves, total, shares }: Attempt, range: GradientRange): Destination {
    this.generation = generation;
    this.opened = true;
    this.finite = undefined;
    const contributions = new Map([...shares].map(([member, subtrees]) => [member.worker, subtrees]));
    const opened = this.reducer.open({
      generation,
      step,
      leaves,
      total,
      ...range,
      format: this.format,
      contributions,
    });
    const see = ({ finite }: { finite: boolean }) => {
      if (generation === this.generation) this.finite = finite;
    };
    // Whoever takes part hears of its end by its own call.
    opened.then(see, () => {});
    return { reducers: [{ address: '', worker: 0, ...range }], collectiveGroup: 0 };
  }

  computed(): void {}

  /** Whether the present attempt, if any, is added up here. */
  get isOpen(): boolean {
    return this.opened;
  }

  /** Whether an attempt is one that is added up here. */
  adds(generation: number): boolean {
    return this.isOpen && generation === this.generation;
  }

  /** Whether the sum of an attempt is finite, as seen here: known before any worker has it, and only where it is added up here. */
  isFinite(generation: number): boolean | undefined {
    return this.adds(generation) ? this.finite : undefined;
  }

  awaited(): number[] {
    return [...this.reducer.awaited];
  }

  close(reason: string): void {
    this.opened = false;
    this.reducer.close(reason);
  }
}
