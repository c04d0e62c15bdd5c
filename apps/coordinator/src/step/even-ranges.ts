/** Ranges begin at multiples of this many values, so that nobody's chunks are cut askew. */
const ALIGNMENT = 1024;

/** Cuts the positions [0, total) of a gradient into `count` ranges, as even as may be. The last ones of a short one are empty. */
export function evenRanges(total: number, count: number): { first: number; end: number }[] {
  const bound = (i: number) =>
    i === count ? total : Math.min(total, Math.round((i * total) / count / ALIGNMENT) * ALIGNMENT);
  return Array.from({ length: count }, (_, i) => ({ first: bound(i), end: bound(i + 1) }));
}
