import { type SumOrder, sumParts } from '@captrain/engine/sums';
import type { ChunkMessage } from '@captrain/protos';
import { faultPoint } from '@captrain/runtime';
import { type ChunkRange, chunkRanges } from './chunk-range.js';
import { nameOf } from './giving-call.js';
import type { MessagePool } from './message-pool.js';
import type { Giver, Part, Taker } from './participant.js';
import { Pipeline } from './pipeline.js';
import type { Reduction } from './reduction.js';
import { Refusal } from './refusal.js';

/** Chunks that are summed or delivered at a time, while the next is being received. */
const CHUNKS_UNDER_WAY = 2;

export interface SumOfAll {
  readonly reduction: Reduction;
  readonly givers: readonly Giver[];
  /** Of the givers' parts, one giver's behind the other's. */
  readonly order: SumOrder;
  readonly takers: readonly Taker[];
  /** Memory of the sums. */
  readonly pool: MessagePool;
}

/**
 * Sums what all give, chunk by chunk, and delivers each sum to all takers. Who is slower than the others makes them wait.
 * Tells whether the sum is finite.
 *
 * Throws a Refusal as soon as one is known; never settles where someone has gone.
 */
export function sumChunks(all: SumOfAll): Promise<{ finite: boolean }> {
  return new Promise((resolve, reject) => {
    new ChunkSums(all, reject).run().then(resolve, reject);
  });
}

class ChunkSums {
  private finite = true;

  constructor(
    private readonly all: SumOfAll,
    private readonly fail: (error: unknown) => void,
  ) {}

  async run(): Promise<{ finite: boolean }> {
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
    return { finite: this.finite };
  }

  private async sum(parts: readonly Part[], range: ChunkRange): Promise<ChunkMessage> {
    const { reduction, order } = this.all;
    const { generation, step, format, total } = reduction;
    const message = this.all.pool.take(range.bytes);
    const seen = await sumParts({
      parts: parts.map(({ bytes }) => bytes),
      checksums: Uint32Array.from(parts, ({ checksum }) => checksum),
      order,
      format,
      into: message.values,
    });
    const damaged = parts[seen.wrongChecksum];
    if (damaged !== undefined) throw refusalOf(damaged, range, 'checksum');
    const nonFinite = parts[seen.nonFinitePart];
    if (nonFinite !== undefined) throw refusalOf(nonFinite, range, 'nonFinite');
    for (const part of parts) part.release();
    this.finite &&= seen.finite;
    const { checksum } = seen;
    const offset = range.first;
    return message.seal({ generation, step, ...NOBODY, offset, total, format, checksum });
  }

  private async deliver(sum: ChunkMessage, range: ChunkRange): Promise<void> {
    const { first, end, step } = this.all.reduction;
    if (2 * (range.end - first) >= end - first) faultPoint('reducing', step);
    await Promise.all(this.all.takers.map((taker) => taker.take(sum, range)));
    this.all.pool.give(sum);
  }
}

const NOBODY = { worker: 0, firstMicrobatch: 0, microbatches: 0, receives: false };

function refusalOf(part: Part, range: ChunkRange, kind: 'checksum' | 'nonFinite'): Refusal {
  const { first, count } = part.subtree;
  const fault =
    kind === 'checksum' ? 'does not have the checksum that came with it' : 'has values that are not finite';
  const where = `between positions ${range.first} and ${range.end - 1}`;
  return new Refusal(part.worker, kind, `the sum of ${nameOf(first, count)} ${fault}, ${where}`);
}
