import { type WireFormat, decodeValues } from '@captrain/engine/sums';
import type { ChunkMessage } from '@captrain/protos';
import type { ChunkRange } from './chunk-range.js';
import { type GradientSum, writeSum } from './joined-sum.js';
import type { MessagePool } from './message-pool.js';
import type { Giver, Part, Taker } from './participant.js';
import { type Reduction, inOrder } from './reduction.js';
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
export class OwnPart implements Giver, Taker {
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
    return Promise.all(
      sums.map(async (sum) => {
        const { subtree } = sum;
        const room = this.pool.take(range.bytes);
        const { checksum } = await writeSum(sum, range, this.format, room.values);
        const release = () => this.pool.give(room);
        return { worker: this.worker, subtree, bytes: room.values, checksum, release };
      }),
    );
  }

  async take(sum: ChunkMessage, range: ChunkRange): Promise<void> {
    await this.sums;
    if (this.hasEnded) return;
    const place = this.result.subarray(range.first, range.end);
    const decoded = decodeValues(sum.values, this.format, place);
    this.written = Promise.all([this.written, decoded]);
    await decoded;
  }

  complete(): void {
    this.hasEnded = true;
  }

  async breakOff(): Promise<void> {
    this.hasEnded = true;
    await this.written;
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
