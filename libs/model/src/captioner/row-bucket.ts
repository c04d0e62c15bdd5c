/**
 * The number of rows that a batch of `rows` rows is padded to, so that batches of almost the same length have the same
 * shapes: the next multiple of a sixteenth of the power of two below. That is at most a sixteenth more, a 32nd on average,
 * and the lengths of a run's batches fall into a few buckets. Up to 16 rows there is no padding.
 */
export function rowBucket(rows: number): number {
  const grain = Math.max(1, 2 ** (Math.floor(Math.log2(rows)) - 4));
  return Math.ceil(rows / grain) * grain;
}
