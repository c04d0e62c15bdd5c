import { type SumOrder, type SumSeen, bytesOf, sumParts } from '@captrain/engine/sums';
import { ChunkMessage } from '@captrain/protos';
import { faultPoint } from '@captrain/runtime';
import { type ChunkRange, chunkRanges } from './chunk-range.js';
import { nameOf } from './giving-call.js';
import type { MessagePool } from './message-pool.js';
import type { Giver, OwnTaker, Part, Taker } from './participant.js';
import { Pipeline } from './pipeline.js';
import type { Reduction } from './reduction.js';
import { Refusal } from './refusal.js';
import { type SumOutcome, withChunk } from './sum-checksum.js';

/** Chunks that are summed or delivered at a time, while the next is being received. */
const CHUNKS_UNDER_WAY = 2;

export interface SumOfAll {
  readonly reduction: Reduction;
  readonly givers: readonly Giver[];
  /** Of the givers' parts, one giver's behind the other's. */
  readonly order: SumOrder;
  readonly takers: readonly Taker[];
  /** The worker in this process, if one is. */
  readonly own: OwnTaker | undefined;
  /** Memory of the sums. */
  readonly pool: MessagePool;
}

/**
 * Sums what all give, chunk by chunk, and delivers each sum to all takers. Who is slower than the others makes them wait.
 * Tells whether the sum is finite, and its checksum.
 *
 * Throws a Refusal as soon as one is known; never settles where someone has gone.
 */
export function sumChunks(all: SumOfAll): Promise<SumOutcome> {
  return new Promise((resolve, reject) => {
    new ChunkSums(all, reject).run().then(resolve, reject);
  });
}

class ChunkSums {
  private finite = true;
  private checksum = 0;

  constructor(
    private readonly all: SumOfAll,
    private readonly fail: (error: unknown) => void,
  ) {}

  async run(): Promise<SumOutcome> {
    // A fault is told at once, though the next parts may be waited for.
    const sums = new Pipeline(CHUNKS_UNDER_WAY, this.fail);
    const { reduction, givers } = this.all;
    for (const range of chunkRanges(reduction)) {
      const parts = (await Promise.all(givers.map((giver) => giver.parts(range)))).flat();
      await sums.add(
        () => this.sum(parts, range),
        (sum) => this.deliver(sum, range),
      );
    }
    await sums.finish();
    const { finite, checksum } = this;
    return { finite, checksum };
  }

  private async sum(parts: readonly Part[], range: ChunkRange): Promise<Sum> {
    const { own } = this.all;
    return own === undefined
      ? this.sumInto(undefined, parts, range)
      : own.receive(range, (place) => this.sumInto(place, parts, range));
  }

  /** What travels as it stands is sent from where the own worker has it. */
  private async sumInto(
    own: Float32Array | undefined,
    parts: readonly Part[],
    range: ChunkRange,
  ): Promise<Sum> {
    const { reduction, pool } = this.all;
    const { generation, step, format, total } = reduction;
    const isShared = own !== undefined && format === 'float32';
    const message = isShared ? new ChunkMessage(bytesOf(own)) : pool.take(range.bytes);
    const seen = await this.add(parts, { into: isShared ? undefined : message.values, values: own }, range);
    for (const part of parts) part.release();
    this.finite &&= seen.finite;
    const { checksum } = seen;
    const offset = range.first;
    this.checksum = withChunk(this.checksum, offset, checksum);
    message.seal({ generation, step, ...NOBODY, offset, total, format, checksum });
    return { message, release: () => (isShared ? undefined : pool.give(message)) };
  }

  /** Throws a Refusal of the first part that is not as it should be. */
  private async add(
    parts: readonly Part[],
    to: { into: Uint8Array | undefined; values: Float32Array | undefined },
    range: ChunkRange,
  ): Promise<SumSeen> {
    const { reduction, order } = this.all;
    const seen = await sumParts({
      parts: parts.map(({ values }) => values),
      checksums: Uint32Array.from(parts, ({ checksum }) => checksum),
      order,
      format: reduction.format,
      ...to,
    });
    const damaged = parts[seen.wrongChecksum];
    if (damaged !== undefined) throw refusalOf(damaged, range, 'checksum');
    const nonFinite = parts[seen.nonFinitePart];
    if (nonFinite !== undefined) throw refusalOf(nonFinite, range, 'nonFinite');
    return seen;
  }

  private async deliver({ message, release }: Sum, range: ChunkRange): Promise<void> {
    const { first, end, step } = this.all.reduction;
    if (2 * (range.end - first) >= end - first) faultPoint('reducing', step);
    await Promise.all(this.all.takers.map((taker) => taker.take(message)));
    release();
  }
}

interface Sum {
  readonly message: ChunkMessage;
  release(): void;
}

const NOBODY = { worker: 0, firstMicrobatch: 0, microbatches: 0, receives: false };

function refusalOf(part: Part, range: ChunkRange, kind: 'checksum' | 'nonFinite'): Refusal {
  const { first, count } = part.subtree;
  const [fault, why] =
    kind === 'checksum'
      ? [
          'does not have the checksum that came with it',
          ': the memory of its machine, or the network that it comes by, damages what it sends',
        ]
      : ['has values that are not finite', ''];
  const where = `between positions ${range.first} and ${range.end - 1}`;
  return new Refusal(part.worker, kind, `the sum of ${nameOf(first, count)} ${fault}, ${where}${why}`);
}
