/**
 * The number of tokens that the reference pads every caption of a data set to: ten standard deviations above the mean
 * length, or the longest caption where that is shorter. Source: `ClipCocoDataset` in the reference's train.py.
 */
export function paddedLength(lengths: readonly number[]): number {
  const count = lengths.length;
  const mean = lengths.reduce((sum, length) => sum + length, 0) / count;
  const variance = lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / (count - 1);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  return Math.min(Math.trunc(mean + 10 * Math.sqrt(variance)), longest);
}
