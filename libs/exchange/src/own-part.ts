import type { WireFormat } from '@captrain/engine/sums';
import type { ChunkRange } from './chunk-range.js';
import { type GradientSum, writeSum } from './joined-sum.js';
import type { MessagePool } from './message-pool.js';
import type { Giver, OwnTaker, Part } from './participant.js';
import { type Reduction, inOrder } from './reduction.js';
import { never } from './send-message.js';
import { subtreeKey } from './subtree.js';

/** What the process of a reducer gives itself and takes: no network is in between. */
export interface OwnSums {
  readonly worker: number;
  /** Those of the worker's subtrees, at once or when they are computed. */
  readonly sums: readonly GradientSum[] | Promise<readonly GradientSum[]>;
  /**
   * Receives the global sum, at the positions of the range; not before `sums` are there, even where these are none: until
   * then it may still be read as the sum of the step before.
   */
  readonly result: Float32Array;
}

/** The worker whose process the reducer is in. Its values are rounded as on the wire, so that all get the same. */
export class OwnPart implements Giver, OwnTaker {
  readonly worker: number;
  private readonly sums: Promise<readonly GradientSum[]>;
  private readonly result: Float32Array;
  private readonly format: WireFormat;
  private isComputing = true;
  private hasEnded = false;
  private written: Promise<unknown> = Promise.resolve();

  constructor(
    own: OwnSums,
    reduction: Reduction,
    private readonly pool: MessagePool,
  ) {
    this.worker = own.worker;
    this.result = own.result;
    this.format = reduction.format;
    this.sums = this.whenComputed(own, reduction);
    // Whoever asks for the parts hears of it.
    this.sums.catch(() => {});
  }

  get isAwaited(): boolean {
    return this.isComputing;
  }

  async parts(range: ChunkRange): Promise<Part[]> {
    const sums = await this.sums;
    return Promise.all(sums.map((sum) => this.partOf(sum, range)));
  }

  async receive<Seen>(range: ChunkRange, write: (place: Float32Array) => Promise<Seen>): Promise<Seen> {
    await this.sums;
    if (this.hasEnded) return never();
    const seen = write(this.result.subarray(range.first, range.end));
    this.written = Promise.allSettled([this.written, seen]);
    return seen;
  }

  complete(): void {
    this.hasEnded = true;
  }

  async breakOff(): Promise<void> {
    this.hasEnded = true;
    await this.written;
  }

  /** A sum is read where it stands; one that stands in parts is added up first. */
  private async partOf(sum: GradientSum, range: ChunkRange): Promise<Part> {
    const { worker, pool, format } = this;
    const { subtree } = sum;
    if ('values' in sum) {
      const values = sum.values.subarray(range.first, range.end);
      return { worker, subtree, values, checksum: 0, release: () => {} };
    }
    const room = pool.take(range.bytes);
    const { values } = room;
    const { checksum } = await writeSum(sum, range, format, values);
    return { worker, subtree, values, checksum, release: () => pool.give(room) };
  }

  private async whenComputed(own: OwnSums, reduction: Reduction): Promise<readonly GradientSum[]> {
    const sums = (await own.sums).toSorted((a, b) => a.subtree.first - b.subtree.first);
    const due = inOrder(reduction.contributions.get(own.worker) ?? []).map(subtreeKey);
    const given = sums.map(({ subtree }) => subtreeKey(subtree));
    if (given.join() !== due.join()) {
      throw new Error(`the sums of ${given.join(', ')} were given where those of ${due.join(', ')} are due`);
    }
    this.isComputing = false;
    return sums;
  }
}
