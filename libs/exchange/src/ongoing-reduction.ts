import type { SumOrder } from '@captrain/engine/sums';
import type { MessagePool } from './message-pool.js';
import type { Giver, OwnTaker, Participant, Taker } from './participant.js';
import { type Reduction, inOrder } from './reduction.js';
import { Refusal } from './refusal.js';
import type { SumOutcome } from './sum-checksum.js';
import { sumChunks } from './sum-chunks.js';
import { sumOrder } from './sum-order.js';

/**
 * One reduction, from its opening to its end. It begins when all its workers are present. Where one of them goes, or
 * what one has sent is refused, it stands still until it is ended.
 */
export class OngoingReduction {
  /** Resolves when everyone was sent everything; rejects where it is ended before, once nothing is written any more. */
  readonly finished: Promise<SumOutcome>;
  /** Workers in the order of their parts; those that have none take the sum alone. */
  private readonly giving: readonly number[];
  private readonly taking: readonly number[];
  private readonly order: SumOrder;
  private readonly givers = new Map<number, Giver>();
  private readonly takers = new Map<number, Taker | OwnTaker>();
  private state: 'going' | 'refused' | 'over' = 'going';
  private finish!: (outcome: SumOutcome) => void;
  private fail!: (error: unknown) => void;

  /** Throws where the contributions do not cover the global batch exactly. */
  constructor(
    readonly reduction: Reduction,
    private readonly pool: MessagePool,
    private readonly onRefused: (refusal: Refusal) => void,
  ) {
    const subtreesOf = (worker: number) => inOrder(reduction.contributions.get(worker)!);
    this.taking = [...reduction.contributions.keys()];
    this.giving = this.taking.filter((worker) => subtreesOf(worker).length > 0);
    this.order = sumOrder(this.giving.flatMap(subtreesOf), reduction.leaves);
    this.finished = new Promise((resolve, reject) => ([this.finish, this.fail] = [resolve, reject]));
    // Not everyone who opens a reduction waits for it.
    this.finished.catch(() => {});
  }

  /** Workers that it waits for: to call, to send, or to take. */
  get awaited(): number[] {
    if (this.state !== 'going') return [];
    const isAwaited = (participant: Participant | undefined) => participant?.isAwaited ?? true;
    const giving = this.giving.filter((worker) => isAwaited(this.givers.get(worker)));
    const taking = this.taking.filter((worker) => isAwaited(this.takers.get(worker)));
    return [...new Set([...giving, ...taking])];
  }

  /** Why a worker cannot join, if so. */
  objectionTo(worker: number, receives: boolean): string | undefined {
    const sum = `the sum of step ${this.reduction.step} in generation ${this.reduction.generation}`;
    if (this.state === 'over') return `${sum} is over`;
    const [expected, present] = receives ? [this.taking, this.takers] : [this.giving, this.givers];
    if (!expected.includes(worker)) return `it has no part in ${sum}`;
    if (present.has(worker)) return `it has called for ${sum} before`;
    return undefined;
  }

  addGiver(giver: Giver): void {
    this.givers.set(giver.worker, giver);
    this.beginIfComplete();
  }

  addTaker(taker: Taker | OwnTaker): void {
    this.takers.set(taker.worker, taker);
    this.beginIfComplete();
  }

  /** Breaks off what has not finished, telling everyone why. */
  end(reason: string): void {
    if (this.state === 'over') return;
    this.state = 'over';
    const brokenOff = this.participants.map((participant) => participant.breakOff(reason));
    void Promise.all(brokenOff).then(() => this.fail(new Error(reason)));
  }

  private get participants(): Participant[] {
    return [...this.givers.values(), ...this.takers.values()];
  }

  private beginIfComplete(): void {
    if (this.givers.size < this.giving.length || this.takers.size < this.taking.length) return;
    const takers = this.taking.map((worker) => this.takers.get(worker)!);
    sumChunks({
      reduction: this.reduction,
      givers: this.giving.map((worker) => this.givers.get(worker)!),
      order: this.order,
      takers: takers.filter((taker) => 'take' in taker),
      own: takers.find((taker) => 'receive' in taker),
      pool: this.pool,
    }).then(
      (outcome) => this.complete(outcome),
      (error: unknown) => this.stop(error),
    );
  }

  private complete(outcome: SumOutcome): void {
    if (this.state === 'over') return;
    this.state = 'over';
    for (const participant of this.participants) participant.complete();
    this.finish(outcome);
  }

  private stop(error: unknown): void {
    if (this.state === 'over') return;
    if (error instanceof Refusal) {
      this.state = 'refused';
      for (const side of [this.givers, this.takers]) void side.get(error.worker)!.breakOff(error.message);
      this.onRefused(error);
    } else {
      this.fail(error);
      this.end('The reducer has failed.');
    }
  }
}
