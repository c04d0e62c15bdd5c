import { expect, test } from 'vitest';
import { rowBucket } from './row-bucket.js';

const counts = Array.from({ length: 5000 }, (_, i) => i + 1);

test('rows are rounded up by at most a sixteenth, and what is rounded already stays', () => {
  for (const rows of counts) {
    const padded = rowBucket(rows);
    expect(padded).toBeGreaterThanOrEqual(rows);
    expect(padded).toBeLessThan(rows * (1 + 1 / 16));
    expect(rowBucket(padded)).toBe(padded);
  }
});

test('there are 16 buckets from one power of two to the next', () => {
  const buckets = (from: number) =>
    new Set(counts.filter((rows) => rows > from && rows <= 2 * from).map(rowBucket)).size;
  expect([32, 256, 2048].map(buckets)).toEqual([16, 16, 16]);
});
