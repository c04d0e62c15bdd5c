/** Positions [first, end) of a gradient. */
export interface GradientRange {
  readonly first: number;
  readonly end: number;
}

/** Ranges begin at multiples of this many values, so that nobody's chunks are cut askew. */
const ALIGNMENT = 1024;

/** Cuts a range into `count`, as even as may be. Some of a short one are empty. */
export function evenRanges({ first, end }: GradientRange, count: number): GradientRange[] {
  const bound = (i: number) => {
    if (i === 0) return first;
    if (i === count) return end;
    const even = first + (i * (end - first)) / count;
    return Math.min(end, Math.max(first, Math.round(even / ALIGNMENT) * ALIGNMENT));
  };
  return Array.from({ length: count }, (_, i) => ({ first: bound(i), end: bound(i + 1) }));
}
