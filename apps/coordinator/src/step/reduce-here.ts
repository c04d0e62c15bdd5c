import { Reducer } from '@captrain/exchange';
import type { WireFormat } from '@captrain/protos';
import type { Attempt, Destination, ReduceCall, Reduction } from './reduction.js';

/** `--reduce coordinator`: this process adds up, chunk by chunk. */
export class ReduceHere implements Reduction {
  readonly isCollective = false;
  private readonly reducer: Reducer;
  private generation = 0;

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

  handle(call: ReduceCall): void {
    this.reducer.handle(call);
  }

  open({ generation, step, leaves, total, shares }: Attempt): Destination {
    this.generation = generation;
    const contributions = new Map([...shares].map(([member, subtrees]) => [member.worker, subtrees]));
    const range = { first: 0, end: total };
    const opened = this.reducer.open({
      generation,
      step,
      leaves,
      total,
      ...range,
      format: this.format,
      contributions,
    });
    // Whoever takes part hears of its end by its own call.
    opened.catch(() => {});
    return { reducers: [{ address: '', worker: 0, ...range }], collectiveGroup: 0 };
  }

  computed(): void {}

  awaited(): number[] {
    return [...this.reducer.awaited];
  }

  close(reason: string): void {
    this.reducer.close(reason);
  }
}
