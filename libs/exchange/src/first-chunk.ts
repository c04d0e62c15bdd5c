import type { GradientChunk } from '@captrain/protos';
import type { PartInReduction } from './part-in-reduction.js';

/** What a call begins with: whose it is, and which of the two. */
export function firstChunk(part: PartInReduction, receives: boolean): GradientChunk {
  const { generation, step, worker, total, format } = part;
  const nothing = { firstMicrobatch: 0, microbatches: 0, checksum: 0, values: new Uint8Array(0) };
  return { generation, step, worker, offset: part.first, total, format, receives, ...nothing };
}
