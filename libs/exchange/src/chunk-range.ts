import { bytesPerValue, type WireFormat } from '@captrain/engine/sums';
import { CHUNK_BYTES } from '@captrain/protos';

/** The values that one chunk carries, as positions in the gradient. */
export interface ChunkRange {
  readonly first: number;
  readonly end: number;
  /** As they travel. */
  readonly bytes: number;
}

/** Of so many leaves together, a chunk each is so much at most: what a reducer holds must not grow with their number. */
const ALL_PARTS_BYTES = 2 * CHUNK_BYTES;
/** Of values. */
export const LEAST_CHUNK_BYTES = CHUNK_BYTES / 4;

/** Bytes of values in a chunk of a sum over `leaves` microbatches. */
export function chunkBytes(leaves: number): number {
  const size = ALL_PARTS_BYTES / 2 ** Math.ceil(Math.log2(Math.max(1, leaves)));
  return Math.min(CHUNK_BYTES, Math.max(LEAST_CHUNK_BYTES, size));
}

/** How [first, end) of a sum over `leaves` microbatches is cut into chunks; sender and receiver agree in it. */
export function* chunkRanges(range: {
  first: number;
  end: number;
  format: WireFormat;
  leaves: number;
}): Generator<ChunkRange> {
  const width = bytesPerValue(range.format);
  const values = chunkBytes(range.leaves) / width;
  for (let first = range.first; first < range.end;) {
    const end = Math.min(first + values, range.end);
    yield { first, end, bytes: (end - first) * width };
    first = end;
  }
}
