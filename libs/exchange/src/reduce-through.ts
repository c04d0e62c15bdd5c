import type { Readable, Writable } from 'node:stream';
import { type WireFormat, decodeValues, encodeValues } from '@captrain/engine/sums';
import type { GradientChunk } from '@captrain/protos';
import { receivedChunks, sendChunk } from './call-streams.js';
import { type ChunkRange, chunkRanges } from './chunk-range.js';
import { MessagePool } from './message-pool.js';
import { Pipeline } from './pipeline.js';
import type { SubtreeSum } from './reduction.js';

/** A worker's part in one reducer's sum. */
export interface PartInReduction {
  readonly generation: number;
  readonly step: number;
  readonly worker: number;
  /** The range [first, end) of the gradient's `total` values that the reducer sums. */
  readonly first: number;
  readonly end: number;
  readonly total: number;
  readonly format: WireFormat;
  /** Those of the worker's subtrees, in any order; none where it only receives. */
  readonly sums: readonly SubtreeSum[];
  /** As long as the gradient; receives the global sum, at the positions of the range. */
  readonly result: Float32Array;
  readonly signal: AbortSignal;
  /** Hears how many of the values to be sent, all subtrees counted, have been. */
  onChunkSent?(sentValues: number, totalValues: number): void;
}

export interface ReductionSeen {
  /** False where the sum has values that are NaN or infinite. */
  finite: boolean;
  /** Of chunks' values. */
  bytesSent: number;
  bytesReceived: number;
}

/** Calls that can begin: a TrainingClient, or a PeerClient. */
export interface ReduceClient {
  reduce(): Readable & Writable & { cancel(): void };
}

/** Chunks that are encoded or being sent at a time, and those being read at a time. */
const CHUNKS_UNDER_WAY = 2;

/**
 * Sends the values of [first, end) of each sum to a reducer, and receives those of the global one. `result` is whole when
 * the promise resolves, and no longer written to when it rejects: with the call's ServiceError (FAILED_PRECONDITION where something
 * was refused or is stale: `details` is the sentence), or the signal's reason.
 */
export async function reduceThrough(client: ReduceClient, part: PartInReduction): Promise<ReductionSeen> {
  part.signal.throwIfAborted();
  const call = client.reduce();
  const cancel = () => call.cancel();
  part.signal.addEventListener('abort', cancel, { once: true });
  try {
    // Where the call fails, sending never ends, but receiving throws.
    const [bytesSent, received] = await Promise.all([send(call, part), receive(call, part)]);
    return { ...received, bytesSent };
  } catch (error) {
    call.cancel();
    part.signal.throwIfAborted();
    throw error;
  } finally {
    part.signal.removeEventListener('abort', cancel);
  }
}

/** Tells the bytes sent. */
async function send(call: Writable, part: PartInReduction): Promise<number> {
  const { generation, step, worker, total, format } = part;
  const header = { generation, step, worker, firstMicrobatch: 0, microbatches: 0, offset: part.first, total };
  const hello = sendChunk(call, { ...header, format, checksum: 0, values: new Uint8Array(0) });
  const sums = part.sums.toSorted((a, b) => a.subtree.first - b.subtree.first);
  const totalValues = sums.length * (part.end - part.first);
  const pool = new MessagePool();
  const messages = new Pipeline(CHUNKS_UNDER_WAY);
  let [bytesSent, sentValues] = [0, 0];
  await hello;
  for (const range of chunkRanges(part)) {
    for (const { subtree, values } of sums) {
      await messages.add(
        async () => {
          const message = pool.take(range.bytes);
          const chunk = values.subarray(range.first, range.end);
          const { checksum } = await encodeValues(chunk, format, message.values);
          const place = { firstMicrobatch: subtree.first, microbatches: subtree.count, offset: range.first };
          return message.seal({ ...header, ...place, format, checksum });
        },
        async (message) => {
          await sendChunk(call, message);
          pool.give(message);
          bytesSent += range.bytes;
          sentValues += range.end - range.first;
          part.onChunkSent?.(sentValues, totalValues);
        },
      );
    }
  }
  await messages.finish();
  call.end();
  return bytesSent;
}

async function receive(call: Readable, part: PartInReduction): Promise<Omit<ReductionSeen, 'bytesSent'>> {
  const chunks = receivedChunks(call);
  const values = new Pipeline(CHUNKS_UNDER_WAY);
  const seen = { finite: true, bytesReceived: 0 };
  try {
    for (const range of chunkRanges(part)) {
      const { value: chunk } = await chunks.next();
      if (chunk === undefined || !isDue(chunk, part, range)) {
        throw new Error(`the reducer did not send the sum of positions ${range.first} to ${range.end - 1}`);
      }
      await values.add(
        () => decodeValues(chunk.values, part.format, part.result.subarray(range.first, range.end)),
        async ({ checksum, finite }) => {
          if (checksum !== chunk.checksum) throw new Error('the sum was damaged on its way: a wrong checksum');
          seen.finite &&= finite;
          seen.bytesReceived += range.bytes;
        },
      );
    }
    await values.finish();
    const { done } = await chunks.next();
    if (done !== true) throw new Error('the reducer sent more than the sum');
    return seen;
  } finally {
    await values.idle();
  }
}

function isDue(chunk: GradientChunk, part: PartInReduction, range: ChunkRange): boolean {
  const isOfPlan = chunk.generation === part.generation && chunk.step === part.step;
  const isOfRange = chunk.offset === range.first && chunk.values.length === range.bytes;
  return isOfPlan && isOfRange && chunk.total === part.total && chunk.format === part.format;
}
