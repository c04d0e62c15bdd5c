import type { GradientChunk } from '@captrain/protos';
import type { ChunkSource, ReceivedChunk } from './chunk-reader.js';
import { type ChunkRange, chunkBytes } from './chunk-range.js';
import type { Giver, Part } from './participant.js';
import { type Reduction, inOrder } from './reduction.js';
import { Refusal } from './refusal.js';
import { never } from './send-message.js';
import type { ServedCall } from './served-call.js';
import type { Subtree } from './subtree.js';

/** A call that sends the sums of a worker's subtrees: their chunks one after another, offset by offset. */
export class GivingCall implements Giver {
  private readonly subtrees: readonly Subtree[];
  isAwaited = false;

  /** The call's first chunk has been read: it names `worker`. */
  constructor(
    readonly worker: number,
    private readonly from: { call: ServedCall; chunks: ChunkSource },
    private readonly reduction: Reduction,
  ) {
    this.subtrees = inOrder(reduction.contributions.get(worker)!);
    from.chunks.expect(chunkBytes(reduction.leaves));
  }

  async parts(range: ChunkRange): Promise<Part[]> {
    const parts: Part[] = [];
    this.isAwaited = true;
    for (const subtree of this.subtrees) {
      const { values, checksum, release } = await this.nextChunk(subtree, range);
      parts.push({ worker: this.worker, subtree, values, checksum, release });
    }
    this.isAwaited = false;
    return parts;
  }

  complete(): void {
    this.from.call.end();
  }

  async breakOff(reason: string): Promise<void> {
    this.from.call.refuse(reason);
  }

  private async nextChunk(subtree: Subtree, range: ChunkRange): Promise<ReceivedChunk> {
    const { worker, reduction } = this;
    const chunk = await this.from.chunks.next().catch(() => never<ReceivedChunk>());
    if (chunk === undefined) {
      const fault = `it ended where the values from position ${range.first} on were due`;
      throw new Refusal(worker, 'malformed', fault);
    }
    const fault = faultOf(chunk, { worker, subtree, range, reduction });
    if (fault !== undefined) throw new Refusal(worker, 'malformed', fault);
    return chunk;
  }
}

interface Due {
  worker: number;
  subtree: Subtree;
  range: ChunkRange;
  reduction: Reduction;
}

function faultOf(chunk: GradientChunk, { worker, subtree, range, reduction }: Due): string | undefined {
  const { first, count } = subtree;
  if (chunk.generation !== reduction.generation || chunk.step !== reduction.step) {
    const said = `a chunk is of step ${chunk.step} in generation ${chunk.generation}`;
    return `${said} where step ${reduction.step} of generation ${reduction.generation} was due`;
  }
  if (chunk.worker !== worker) return `a chunk is of worker ${chunk.worker}`;
  if (chunk.firstMicrobatch !== first || chunk.microbatches !== count) {
    const said = `a chunk is of ${nameOf(chunk.firstMicrobatch, chunk.microbatches)}`;
    return `${said} where the sum of ${nameOf(first, count)} was due`;
  }
  if (chunk.offset !== range.first) {
    return `a chunk begins at position ${chunk.offset} where ${range.first} was due`;
  }
  if (chunk.total !== reduction.total) {
    return `a chunk is of a gradient of ${chunk.total} values instead of ${reduction.total}`;
  }
  if (chunk.format !== reduction.format) {
    return `a chunk's values are ${chunk.format} instead of ${reduction.format}`;
  }
  if (chunk.values.length !== range.bytes) {
    return `a chunk has ${chunk.values.length} bytes of values instead of ${range.bytes}`;
  }
  return undefined;
}

/** How sentences name a subtree. */
export function nameOf(first: number, count: number): string {
  return count === 1 ? `microbatch ${first}` : `microbatches ${first} to ${first + count - 1}`;
}
