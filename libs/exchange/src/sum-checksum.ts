/** What is known of a sum: whether all of it is finite, and a checksum that is the same for all who have the same sum. */
export interface SumOutcome {
  readonly finite: boolean;
  readonly checksum: number;
}

/** The checksum of a sum with one more chunk, which begins at `first`; in whatever order the chunks come. */
export function withChunk(sumChecksum: number, first: number, chunkChecksum: number): number {
  const placed = chunkChecksum ^ Math.imul(first + 1, 0x9e3779b1);
  return (sumChecksum + Math.imul(placed, 0x85ebca6b)) >>> 0;
}
