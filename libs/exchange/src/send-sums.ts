import type { ChunkMessage } from '@captrain/protos';
import { receivedChunks, sendChunk } from './call-streams.js';
import { type ChunkRange, chunkRanges } from './chunk-range.js';
import { firstChunk } from './first-chunk.js';
import { type GradientSum, writeSum } from './joined-sum.js';
import { MessagePool } from './message-pool.js';
import type { PartInReduction } from './part-in-reduction.js';
import { Pipeline } from './pipeline.js';
import type { OutgoingCall } from './reducer-connection.js';

/** Chunks that are encoded or being sent at a time. */
const CHUNKS_UNDER_WAY = 2;

/** Sends a worker's sums: offset by offset, the chunks of all subtrees from left to right. Tells the bytes sent. */
export async function sendSums(call: OutgoingCall, part: PartInReduction): Promise<number> {
  // Where the call fails, sending never ends, but this throws.
  const ended = receivedChunks(call).next();
  const sent = sendAll(call, part);
  const [bytesSent] = await Promise.all([sent, ended]);
  return bytesSent;
}

async function sendAll(call: OutgoingCall, part: PartInReduction): Promise<number> {
  const sums = part.sums.toSorted((a, b) => a.subtree.first - b.subtree.first);
  const totalValues = sums.length * (part.end - part.first);
  const pool = new MessagePool();
  const messages = new Pipeline(CHUNKS_UNDER_WAY);
  let [bytesSent, sentValues] = [0, 0];
  await sendChunk(call, firstChunk(part, false));
  for (const range of chunkRanges(part)) {
    for (const sum of sums) {
      await messages.add(
        () => encode(sum, part, range, pool.take(range.bytes)),
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

async function encode(
  sum: GradientSum,
  { generation, step, worker, total, format }: PartInReduction,
  range: ChunkRange,
  into: ChunkMessage,
): Promise<ChunkMessage> {
  const { checksum } = await writeSum(sum, range, format, into.values);
  const { first: firstMicrobatch, count: microbatches } = sum.subtree;
  const place = { firstMicrobatch, microbatches, offset: range.first, total };
  return into.seal({ generation, step, worker, ...place, format, checksum, receives: false });
}
