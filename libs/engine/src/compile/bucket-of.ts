/**
 * A size rounded up so that few different sizes remain: to a multiple of 8, or of the 32nd part of the power of two
 * below it, where that is more. At most 1/32 of a large size is added (7 at most up to 511), and between one power of
 * two and the next lie 32 buckets at most. A function that is compiled for each shape is then compiled for few.
 *
 * Throws where the size is no positive integer.
 */
export function bucketOf(size: number): number {
  if (!Number.isInteger(size) || size < 1) throw new Error(`a size of ${size} has no bucket`);
  const step = Math.max(8, 2 ** (Math.floor(Math.log2(size)) - 5));
  return Math.ceil(size / step) * step;
}
