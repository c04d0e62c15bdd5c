import { bytesPerValue, type WireFormat } from '@captrain/engine/sums';
import { CHUNK_BYTES } from '@captrain/protos';

/** The values that one chunk carries, as positions in the gradient. */
export interface ChunkRange {
  readonly first: number;
  readonly end: number;
  /** As they travel. */
  readonly bytes: number;
}

/** How [first, end) is cut into chunks; sender and receiver agree in it. */
export function* chunkRanges(range: {
  first: number;
  end: number;
  format: WireFormat;
}): Generator<ChunkRange> {
  const width = bytesPerValue(range.format);
  for (let first = range.first; first < range.end;) {
    const end = Math.min(first + CHUNK_BYTES / width, range.end);
    yield { first, end, bytes: (end - first) * width };
    first = end;
  }
}
