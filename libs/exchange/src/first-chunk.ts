import { ChunkMessage } from '@captrain/protos';
import type { PartInReduction } from './part-in-reduction.js';

/** What a call begins with: whose it is, and which of the two. */
export function firstChunk(part: PartInReduction, receives: boolean): ChunkMessage {
  const { generation, step, worker, total, format, first: offset } = part;
  const nothing = { firstMicrobatch: 0, microbatches: 0, checksum: 0 };
  return new ChunkMessage(new Uint8Array()).seal({
    ...{ generation, step, worker, offset, total, format, receives },
    ...nothing,
  });
}
