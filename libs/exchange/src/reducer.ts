import { EventEmitter, once } from 'node:events';
import type { GradientChunk } from '@captrain/protos';
import { GivingCall } from './giving-call.js';
import { MessagePool } from './message-pool.js';
import { OngoingReduction } from './ongoing-reduction.js';
import { type OwnSums, OwnPart } from './own-part.js';
import type { Reduction } from './reduction.js';
import { Refusal, type RefusalKind } from './refusal.js';
import type { ServedCall } from './served-call.js';
import type { SumOutcome } from './sum-checksum.js';
import { TakingCall } from './taking-call.js';

export interface ReducerOptions {
  /** Hears of everything that is refused. The reason is the sentence that the worker is told. */
  onRefused(worker: number, reason: string, kind: RefusalKind): void;
  /** How long a call waits for a reduction that has not been opened yet: messages race. 10 s by default. */
  patienceMs?: number;
}

/**
 * Serves Reduce calls: sums what the workers send and sends it to all of them, for one reduction at a time. Calls for
 * another one get FAILED_PRECONDITION and change nothing; those for a newer one wait for it a while.
 *
 * What is refused during a call ends that call with FAILED_PRECONDITION and the whole reduction with it: the others wait
 * until another one is opened, as they do where a call breaks off.
 */
export class Reducer {
  private current: OngoingReduction | undefined;
  private readonly pool = new MessagePool();
  private readonly opened = new EventEmitter().setMaxListeners(0);

  constructor(private readonly options: ReducerOptions) {}

  /**
   * Begins a reduction and ends the one before. `own` is the part of the worker whose process this is.
   *
   * The promise resolves when everyone was sent everything and `own.result` has it, telling whether the sum is finite;
   * it rejects where the reduction is ended before, once nothing writes to `own.result` any more. Nobody has to listen to
   * it. Throws where the contributions do not cover the global batch exactly.
   */
  open(reduction: Reduction, own?: OwnSums): Promise<SumOutcome> {
    const ongoing = new OngoingReduction(reduction, this.pool, (refusal) => this.tellOf(refusal));
    this.close(`Step ${reduction.step} of generation ${reduction.generation} is summed now.`);
    this.current = ongoing;
    if (own !== undefined) {
      const part = new OwnPart(own, reduction, this.pool);
      if (reduction.contributions.get(own.worker)!.length > 0) ongoing.addGiver(part);
      ongoing.addTaker(part);
    }
    this.opened.emit('opened');
    return ongoing.finished;
  }

  /** Ends the present reduction, if any: its calls get FAILED_PRECONDITION and this sentence. */
  close(reason: string): void {
    this.current?.end(reason);
  }

  /** Workers that the present reduction waits for at this moment: to call, to send a chunk, or to take one. */
  get awaited(): number[] {
    return this.current?.awaited ?? [];
  }

  /** Handles a call of Reduce. */
  handle(call: ServedCall): void {
    void this.receive(call);
  }

  private async receive(call: ServedCall): Promise<void> {
    const chunks = call.receive(this.pool);
    const hello = await chunks.next().catch(() => undefined);
    if (hello === undefined) {
      call.refuse('A call begins with a chunk that names generation, step and worker.');
      return;
    }
    hello.release();
    await this.untilOpened(hello, call);
    if (call.isOver) return;
    const objection = this.objectionTo(hello);
    if (objection !== undefined) {
      const refusal = new Refusal(hello.worker, 'stale', objection);
      call.refuse(refusal.message);
      this.tellOf(refusal);
      return;
    }
    const ongoing = this.current!;
    if (hello.receives) ongoing.addTaker(new TakingCall(hello.worker, call));
    else ongoing.addGiver(new GivingCall(hello.worker, { call, chunks }, ongoing.reduction));
  }

  private async untilOpened(hello: GradientChunk, call: ServedCall): Promise<void> {
    const signal = AbortSignal.timeout(this.options.patienceMs ?? 10_000);
    while (isNewer(hello, this.current?.reduction) && !signal.aborted && !call.isOver) {
      await once(this.opened, 'opened', { signal }).catch(() => {});
    }
  }

  private objectionTo({ generation, step, worker, receives }: GradientChunk): string | undefined {
    if (this.current === undefined) return 'nothing is summed here yet';
    const { reduction } = this.current;
    if (generation === reduction.generation && step === reduction.step) {
      return this.current.objectionTo(worker, receives);
    }
    const said = `it is of step ${step} in generation ${generation}`;
    return `${said}, while step ${reduction.step} of generation ${reduction.generation} is summed here`;
  }

  private tellOf({ worker, message, kind }: Refusal): void {
    this.options.onRefused(worker, message, kind);
  }
}

function isNewer(a: GradientChunk, b: Reduction | undefined): boolean {
  return b === undefined || a.generation > b.generation || (a.generation === b.generation && a.step > b.step);
}
