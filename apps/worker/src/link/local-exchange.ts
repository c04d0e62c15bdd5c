import {
  type GradientSum,
  type ReductionSeen,
  type SubtreeSum,
  inChunks,
  joinSums,
  storeSum,
  subtreeKey,
} from '@captrain/exchange';
import { bytesOf, decodeValues } from '@captrain/engine/sums';
import type { DeliveredSum, Neighbour, OfferedSums, Plan } from '@captrain/protos';
import { faultPoint } from '@captrain/runtime';
import { Expected } from './expected.js';
import { NeighbourFailed } from './neighbour-failed.js';
import type { NeighbourCalls } from './neighbour-calls.js';
import type { Neighbours } from './neighbours.js';
import type { SharedView } from './shared-views.js';

/** A subtree's sum in memory that neighbours may read. */
export interface OwnSum extends SubtreeSum, SharedView {}

export interface LocalExchangeOptions {
  readonly neighbours: Neighbours;
  /** This worker's number. */
  readonly worker: number;
  /** Where the global sum is put together. */
  readonly result: SharedView;
  readonly signal: AbortSignal;
  /** Exchanges the neighbours' sums with the plan's reducers; undefined where that failed, which has been told. */
  outward(sums: readonly GradientSum[]): Promise<ReductionSeen | undefined>;
  /** Hears what goes wrong. */
  failed(error: unknown): void;
}

const NO_BYTES = { bytesSent: 0, bytesReceived: 0 };

/**
 * One plan's exchange among the workers of one host. All offer each other their sums. Who has a range of the global sum
 * to provide reads all sums, adds them up or exchanges them with reducers, and delivers the range; the others copy it.
 *
 * Everyone writes to memory of its own alone. So a process that stands still for a while, and goes on after the others
 * have done without it, changes nothing: what it reads then is of no use to it, for its part in the plan is over.
 */
export class LocalExchange {
  private readonly offers = new Map<number, Expected<OfferedSums>>();
  private readonly deliveries = new Map<number, Expected<DeliveredSum>>();
  private readonly failed = new Set<number>();
  private readonly others: readonly Neighbour[];
  private readonly own: Neighbour;

  constructor(
    private readonly plan: Plan,
    private readonly options: LocalExchangeOptions,
  ) {
    const { neighbours } = plan;
    this.own = neighbours.find(({ worker }) => worker === options.worker)!;
    this.others = neighbours.filter((other) => other !== this.own);
    for (const { worker } of this.others) {
      this.offers.set(worker, new Expected());
      this.deliveries.set(worker, new Expected());
    }
  }

  /** A neighbour offers its sums. Returns why they are not taken, if so. */
  offered(offer: OfferedSums): string | undefined {
    const from = this.others.find(({ worker }) => worker === offer.worker);
    const given = offer.sums.map(({ subtree }) => subtreeKey(subtree!)).toSorted();
    const due = from?.subtrees.map(subtreeKey).toSorted();
    if (due?.join() !== given.join() || offer.sums.some(({ values }) => !values))
      return `worker ${offer.worker} offers the sums of ${given.join(', ')}, which are not due of it`;
    this.offers.get(offer.worker)!.fulfil(offer);
    return undefined;
  }

  /** A neighbour delivers its range. Returns why it is not taken, if so. */
  delivered(sum: DeliveredSum): string | undefined {
    const delivery = this.deliveries.get(sum.worker);
    if (!delivery || !sum.values) return `worker ${sum.worker} has nothing to deliver here`;
    delivery.fulfil(sum);
    return undefined;
  }

  /** Whose the sum of a subtree is. */
  ownerOf({ subtree }: SubtreeSum): number {
    const key = subtreeKey(subtree);
    return this.plan.neighbours.find(({ subtrees }) => subtrees.some((own) => subtreeKey(own) === key))!
      .worker;
  }

  /** Takes part. Undefined where that failed; by then nothing is written any more, and `failed` has heard of it. */
  async run(sums: readonly OwnSum[]): Promise<ReductionSeen | undefined> {
    const parts = [
      this.offer(sums),
      ...(provides(this.own) ? [this.provide(sums)] : []),
      ...this.others.filter(provides).map((other) => this.take(other)),
    ];
    const outcomes = await Promise.all(
      parts.map((part) =>
        part.catch((error: unknown) => {
          this.tellOf(error);
          return undefined;
        }),
      ),
    );
    const seen = outcomes.filter((outcome) => outcome !== undefined);
    if (seen.length < outcomes.length) return undefined;
    return {
      finite: seen.every(({ finite }) => finite),
      bytesSent: seen.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
      bytesReceived: seen.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
    };
  }

  /** One failure of a neighbour brings others with it. */
  private tellOf(error: unknown): void {
    if (error instanceof NeighbourFailed) {
      if (this.failed.has(error.worker)) return;
      this.failed.add(error.worker);
    }
    this.options.failed(error);
  }

  private get ids() {
    const { generation, step } = this.plan;
    return { generation, step, worker: this.options.worker };
  }

  private async offer(sums: readonly OwnSum[]): Promise<ReductionSeen> {
    const { step } = this.plan;
    const { signal } = this.options;
    const named = sums.map(({ subtree, name }) => ({ subtree, values: name }));
    const offer: OfferedSums = { ...this.ids, sums: named };
    await this.tellAll(({ address }, calls) => calls.offer(address, offer, signal));
    // With that, all has been done that others wait for.
    if (!provides(this.own)) for (const point of ['mid-upload', 'after-last-chunk']) faultPoint(point, step);
    return { finite: true, ...NO_BYTES };
  }

  /** Makes this worker's range of the global sum, and tells the others. */
  private async provide(own: readonly OwnSum[]): Promise<ReductionSeen | undefined> {
    const { step, reducers, contributions, leaves } = this.plan;
    const { worker, outward, result, signal } = this.options;
    const theirs = await Promise.all(this.others.map((other) => this.sumsOf(other)));
    const sums: SubtreeSum[] = [...own, ...theirs.flat()];
    let seen: ReductionSeen | undefined;
    if (reducers.length === 0) seen = await this.addUp(joinSums(wholeTree(leaves), sums, leaves));
    else {
      const { subtrees } = contributions.find((contribution) => contribution.worker === worker)!;
      seen = await outward(subtrees.map((subtree) => joinSums(subtree, sums, leaves)));
    }
    if (seen === undefined) return undefined;
    const range: DeliveredSum = { ...this.ids, values: result.name };
    await this.tellAll(({ address }, calls) => calls.deliver(address, range, signal));
    faultPoint('after-last-chunk', step);
    return seen;
  }

  /** The sums that a neighbour offers, read where they stand. */
  private async sumsOf({ worker, process }: Neighbour): Promise<SubtreeSum[]> {
    const { sums } = await this.offers.get(worker)!.within(this.options.signal);
    return sums.map(({ subtree, values }) => ({
      subtree: subtree!,
      values: this.read(worker, () => this.memoryOf(process, values!)),
    }));
  }

  private async addUp(sum: GradientSum): Promise<ReductionSeen> {
    const { first, end } = this.own;
    const { result, signal } = this.options;
    let summed = 0;
    await inChunks(this.own, signal, async (chunk) => {
      await storeSum(sum, chunk, result.values.subarray(chunk.first, chunk.end));
      summed += chunk.end - chunk.first;
      if (2 * summed >= end - first) faultPoint('mid-upload', this.plan.step);
    });
    return { finite: true, ...NO_BYTES };
  }

  /** Copies the range of the global sum that another provides. */
  private async take(other: Neighbour): Promise<ReductionSeen> {
    const { result, signal } = this.options;
    const { values } = await this.deliveries.get(other.worker)!.within(signal);
    const there = this.read(other.worker, () => this.memoryOf(other.process, values!));
    const seen = { finite: true, ...NO_BYTES };
    await inChunks(other, signal, async (chunk) => {
      const part = there.subarray(chunk.first, chunk.end);
      const { finite } = await decodeValues(
        bytesOf(part),
        'float32',
        result.values.subarray(chunk.first, chunk.end),
      );
      seen.finite &&= finite;
    });
    return seen;
  }

  private memoryOf(process: number, name: SharedView['name']): Float32Array {
    return this.options.neighbours.memory.values(process, name, this.options.result.values.length);
  }

  private read(worker: number, map: () => Float32Array): Float32Array {
    try {
      return map();
    } catch (error) {
      throw new NeighbourFailed(worker, true, error);
    }
  }

  private async tellAll(tell: (other: Neighbour, calls: NeighbourCalls) => Promise<void>): Promise<void> {
    const { calls } = this.options.neighbours;
    await Promise.all(
      this.others.map((other) =>
        tell(other, calls).catch((error: unknown) => {
          throw new NeighbourFailed(other.worker, false, error);
        }),
      ),
    );
  }
}

function provides({ first, end }: Neighbour): boolean {
  return first < end;
}

function wholeTree(leaves: number) {
  return { first: 0, count: 2 ** Math.ceil(Math.log2(leaves)) };
}
