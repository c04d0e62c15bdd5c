import { bytesOf, lookAtValues } from '@captrain/engine/sums';
import { ChunkMessage } from '@captrain/protos';
import { type ChunkRange, chunkRanges } from './chunk-range.js';
import { firstChunk } from './first-chunk.js';
import { type GradientSum, writeSum } from './joined-sum.js';
import type { MessagePool } from './message-pool.js';
import type { OutgoingCall } from './outgoing-call.js';
import type { PartInReduction } from './part-in-reduction.js';
import { Pipeline } from './pipeline.js';

/** Chunks that are encoded or being sent at a time. */
const CHUNKS_UNDER_WAY = 2;

/** Sends a worker's sums: offset by offset, the chunks of all subtrees from left to right. Tells the bytes sent. */
export async function sendSums(
  call: OutgoingCall,
  part: PartInReduction,
  pool: MessagePool,
): Promise<number> {
  // Where the call fails, sending never ends, but the other throws.
  const [bytesSent] = await Promise.all([sendAll(call, part, pool), call.ended]);
  return bytesSent;
}

async function sendAll(call: OutgoingCall, part: PartInReduction, pool: MessagePool): Promise<number> {
  const sums = part.sums.toSorted((a, b) => a.subtree.first - b.subtree.first);
  const totalValues = sums.length * (part.end - part.first);
  const messages = new Pipeline(CHUNKS_UNDER_WAY);
  let [bytesSent, sentValues] = [0, 0];
  void call.send(firstChunk(part, false));
  for (const range of chunkRanges(part)) {
    for (const sum of sums) {
      await messages.add(
        () => encode(sum, part, range, pool),
        async ({ message, release }) => {
          await call.send(message);
          release();
          bytesSent += range.bytes;
          sentValues += range.end - range.first;
          part.onChunkSent?.(sentValues, totalValues);
        },
      );
    }
  }
  await messages.finish();
  call.finishSending();
  return bytesSent;
}

/** Values that travel as they are do so from where they stand. */
async function encode(
  sum: GradientSum,
  { generation, step, worker, total, format }: PartInReduction,
  range: ChunkRange,
  pool: MessagePool,
): Promise<{ message: ChunkMessage; release(): void }> {
  const { first: firstMicrobatch, count: microbatches } = sum.subtree;
  const place = { firstMicrobatch, microbatches, offset: range.first, total };
  const header = { generation, step, worker, ...place, format, receives: false };
  if (format === 'float32' && 'values' in sum) {
    const values = sum.values.subarray(range.first, range.end);
    const { checksum } = await lookAtValues(values);
    const message = new ChunkMessage(bytesOf(values)).seal({ ...header, checksum });
    return { message, release: () => {} };
  }
  const message = pool.take(range.bytes);
  const { checksum } = await writeSum(sum, range, format, message.values);
  message.seal({ ...header, checksum });
  return { message, release: () => pool.give(message) };
}
