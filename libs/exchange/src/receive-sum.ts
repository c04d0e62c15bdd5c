import { decodeValues } from '@captrain/engine/sums';
import type { GradientChunk } from '@captrain/protos';
import { type ChunkRange, chunkBytes, chunkRanges } from './chunk-range.js';
import type { ReceivedChunk } from './chunk-reader.js';
import { firstChunk } from './first-chunk.js';
import type { OutgoingCall } from './outgoing-call.js';
import type { PartInReduction, ReductionSeen } from './part-in-reduction.js';
import { Pipeline } from './pipeline.js';
import { type SumOutcome, withChunk } from './sum-checksum.js';

/** Chunks that are decoded at a time. */
const CHUNKS_UNDER_WAY = 2;

/** Receives the sum into `part.result`; nothing is written there once this resolves or rejects. */
export async function receiveSum(
  call: OutgoingCall,
  part: PartInReduction,
): Promise<Pick<ReductionSeen, 'bytesReceived'> & SumOutcome> {
  const values = new Pipeline(CHUNKS_UNDER_WAY);
  const seen = { finite: true, checksum: 0, bytesReceived: 0 };
  call.chunks.expect(chunkBytes(part.leaves));
  void call.send(firstChunk(part, true));
  call.finishSending();
  try {
    for (const range of chunkRanges(part)) {
      const chunk = await nextOf(call);
      if (chunk === undefined || !isDue(chunk, part, range)) {
        throw new Error(`the reducer did not send the sum of positions ${range.first} to ${range.end - 1}`);
      }
      await values.add(
        () => decodeValues(chunk.values, part.format, part.result.subarray(range.first, range.end)),
        async ({ checksum, finite }) => {
          chunk.release();
          if (checksum !== chunk.checksum)
            throw new Error('the sum was damaged on its way: a wrong checksum');
          seen.finite &&= finite;
          seen.checksum = withChunk(seen.checksum, range.first, checksum);
          seen.bytesReceived += range.bytes;
        },
      );
    }
    await values.finish();
    if ((await nextOf(call)) !== undefined) throw new Error('the reducer sent more than the sum');
    return seen;
  } finally {
    await values.idle();
  }
}

/** The next chunk, or the reason why none comes. */
async function nextOf(call: OutgoingCall): Promise<ReceivedChunk | undefined> {
  try {
    const chunk = await call.chunks.next();
    if (chunk !== undefined) return chunk;
  } catch (error) {
    await call.ended;
    throw error;
  }
  await call.ended;
  return undefined;
}

function isDue(chunk: GradientChunk, part: PartInReduction, range: ChunkRange): boolean {
  const isOfPlan = chunk.generation === part.generation && chunk.step === part.step;
  const isOfRange = chunk.offset === range.first && chunk.values.length === range.bytes;
  return isOfPlan && isOfRange && chunk.total === part.total && chunk.format === part.format;
}
