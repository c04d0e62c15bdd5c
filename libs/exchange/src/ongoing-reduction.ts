import type { SumOrder } from '@captrain/engine/sums';
import type { Participant } from './participant.js';
import { type Reduction, inOrder } from './reduction.js';
import { Refusal } from './refusal.js';
import { sumChunks } from './sum-chunks.js';
import { sumOrder } from './sum-order.js';

/**
 * One reduction, from its opening to its end. It begins when all its workers are present. Where one of them goes, or
 * what one has sent is refused, it stands still until it is ended.
 */
export class OngoingReduction {
  /** Resolves when everyone was sent everything; rejects where it is ended before, once nothing is written any more. */
  readonly finished: Promise<{ finite: boolean }>;
  private readonly workers: readonly number[];
  private readonly order: SumOrder;
  private readonly present = new Map<number, Participant>();
  private state: 'going' | 'refused' | 'over' = 'going';
  private finish!: (outcome: { finite: boolean }) => void;
  private fail!: (error: unknown) => void;

  /** Throws where the contributions do not cover the global batch exactly. */
  constructor(
    readonly reduction: Reduction,
    private readonly onRefused: (refusal: Refusal) => void,
  ) {
    this.workers = [...reduction.contributions.keys()];
    const subtrees = this.workers.flatMap((worker) => inOrder(reduction.contributions.get(worker)!));
    this.order = sumOrder(subtrees, reduction.leaves);
    this.finished = new Promise((resolve, reject) => ([this.finish, this.fail] = [resolve, reject]));
    // Not everyone who opens a reduction waits for it.
    this.finished.catch(() => {});
  }

  /** Workers that it waits for: to call, to send, or to take. */
  get awaited(): number[] {
    if (this.state !== 'going') return [];
    return this.workers.filter((worker) => this.present.get(worker)?.isAwaited ?? true);
  }

  /** Why a worker cannot join, if so. */
  objectionTo(worker: number): string | undefined {
    const sum = `the sum of step ${this.reduction.step} in generation ${this.reduction.generation}`;
    if (this.state === 'over') return `${sum} is over`;
    if (!this.workers.includes(worker)) return `it has no part in ${sum}`;
    if (this.present.has(worker)) return `it has called for ${sum} before`;
    return undefined;
  }

  join(participant: Participant): void {
    this.present.set(participant.worker, participant);
    if (this.present.size < this.workers.length) return;
    const participants = this.workers.map((worker) => this.present.get(worker)!);
    sumChunks(this.reduction, participants, this.order).then(
      (outcome) => this.complete(outcome),
      (error: unknown) => this.stop(error),
    );
  }

  /** Breaks off what has not finished, telling everyone why. */
  end(reason: string): void {
    if (this.state === 'over') return;
    this.state = 'over';
    const brokenOff = [...this.present.values()].map((participant) => participant.breakOff(reason));
    void Promise.all(brokenOff).then(() => this.fail(new Error(reason)));
  }

  private complete(outcome: { finite: boolean }): void {
    if (this.state === 'over') return;
    this.state = 'over';
    for (const participant of this.present.values()) participant.complete();
    this.finish(outcome);
  }

  private stop(error: unknown): void {
    if (this.state === 'over') return;
    if (error instanceof Refusal) {
      this.state = 'refused';
      void this.present.get(error.worker)!.breakOff(error.message);
      this.onRefused(error);
    } else {
      this.fail(error);
      this.end('The reducer has failed.');
    }
  }
}
