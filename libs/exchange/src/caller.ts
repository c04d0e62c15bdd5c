import type { Readable, Writable } from 'node:stream';
import { status } from '@grpc/grpc-js';
import type { ChunkMessage, GradientChunk } from '@captrain/protos';
import { never, sendChunk } from './call-streams.js';
import type { ChunkRange } from './chunk-range.js';
import type { Part, Participant } from './participant.js';
import { type Reduction, inOrder } from './reduction.js';
import { Refusal } from './refusal.js';
import type { Subtree } from './subtree.js';

/** The server's end of a Reduce call. */
export type ReduceCall = Readable & Writable & { readonly cancelled: boolean };

/** Ends a call with FAILED_PRECONDITION and a sentence. */
export function refuseCall(call: ReduceCall, reason: string): void {
  if (!call.writableEnded && !call.destroyed) {
    call.emit('error', { code: status.FAILED_PRECONDITION, details: reason });
  }
}

/** A worker that takes part by a Reduce call. */
export class Caller implements Participant {
  private readonly subtrees: readonly Subtree[];
  private taking = 0;
  private giving = false;

  /** `chunks` are those behind the first, which names `worker`. */
  constructor(
    readonly worker: number,
    private readonly call: ReduceCall,
    private readonly chunks: AsyncIterator<GradientChunk, undefined>,
    private readonly reduction: Reduction,
  ) {
    this.subtrees = inOrder(reduction.contributions.get(worker)!);
  }

  get isAwaited(): boolean {
    return this.giving || this.taking > 0;
  }

  async parts(range: ChunkRange): Promise<Part[]> {
    const parts: Part[] = [];
    this.giving = true;
    for (const subtree of this.subtrees) {
      const { values: bytes, checksum } = await this.nextChunk(subtree, range);
      parts.push({ worker: this.worker, subtree, bytes, checksum });
    }
    this.giving = false;
    return parts;
  }

  async take(sum: ChunkMessage): Promise<void> {
    if (this.call.writableEnded) return never();
    this.taking++;
    await sendChunk(this.call, sum);
    this.taking--;
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
    if (next.done === true) {
      throw new Refusal(
        this.worker,
        'malformed',
        `it ended before position ${range.first} of [${this.reduction.first}, ${this.reduction.end})`,
      );
    }
    const fault = this.faultOf(next.value, subtree, range);
    if (fault !== undefined) throw new Refusal(this.worker, 'malformed', fault);
    return next.value;
  }

  private faultOf(chunk: GradientChunk, { first, count }: Subtree, range: ChunkRange): string | undefined {
    const { reduction } = this;
    const said = `a chunk of ${naming(chunk)} came where`;
    if (chunk.generation !== reduction.generation || chunk.step !== reduction.step) {
      return `${said} step ${reduction.step} of generation ${reduction.generation} is summed`;
    }
    if (chunk.worker !== this.worker) return `${said} worker ${this.worker} had begun`;
    if (chunk.firstMicrobatch !== first || chunk.microbatches !== count) {
      return `${said} the sum of microbatches ${first} to ${first + count - 1} was due`;
    }
    if (chunk.offset !== range.first) return `${said} position ${range.first} was due`;
    if (chunk.total !== reduction.total) return `${said} a gradient has ${reduction.total} values`;
    if (chunk.format !== reduction.format) return `${said} values travel as ${reduction.format}`;
    if (chunk.values.length !== range.bytes) {
      return `${said} ${range.bytes} bytes were due, not ${chunk.values.length}`;
    }
    return undefined;
  }
}

function naming(chunk: GradientChunk): string {
  const { generation, step, worker, firstMicrobatch, microbatches, offset, total, format } = chunk;
  const subtree = `microbatches ${firstMicrobatch} to ${firstMicrobatch + microbatches - 1}`;
  return `worker ${worker}, ${subtree}, at ${offset} of ${total} as ${format} (step ${step}, generation ${generation})`;
}
