import type { GradientChunk } from '@captrain/protos';
import { type ReduceCall, never, refuseCall } from './call-streams.js';
import type { ChunkRange } from './chunk-range.js';
import type { Giver, Part } from './participant.js';
import { type Reduction, inOrder } from './reduction.js';
import { Refusal } from './refusal.js';
import type { Subtree } from './subtree.js';

/** A call that sends the sums of a worker's subtrees: their chunks one after another, offset by offset. */
export class GivingCall implements Giver {
  private readonly subtrees: readonly Subtree[];
  isAwaited = false;

  /** `chunks` are those behind the first, which has named `worker`. */
  constructor(
    readonly worker: number,
    private readonly call: ReduceCall,
    private readonly chunks: AsyncIterator<GradientChunk, undefined>,
    private readonly reduction: Reduction,
  ) {
    this.subtrees = inOrder(reduction.contributions.get(worker)!);
  }

  async parts(range: ChunkRange): Promise<Part[]> {
    const parts: Part[] = [];
    this.isAwaited = true;
    for (const subtree of this.subtrees) {
      const { values: bytes, checksum } = await this.nextChunk(subtree, range);
      parts.push({ worker: this.worker, subtree, bytes, checksum });
    }
    this.isAwaited = false;
    return parts;
  }

  complete(): void {
    this.call.end();
    // What it may still send is not for this reduction.
    this.call.resume();
  }

  async breakOff(reason: string): Promise<void> {
    refuseCall(this.call, reason);
  }

  private async nextChunk(subtree: Subtree, range: ChunkRange): Promise<GradientChunk> {
    const next = await this.chunks.next().catch(() => undefined);
    if (next === undefined || this.call.cancelled) return never();
    const fault =
      next.done === true
        ? `it ended where the values from position ${range.first} on were due`
        : faultOf(next.value, { worker: this.worker, subtree, range, reduction: this.reduction });
    if (fault !== undefined) throw new Refusal(this.worker, 'malformed', fault);
    return next.value!;
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
