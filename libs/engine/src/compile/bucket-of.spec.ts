import { expect, test } from 'vitest';
import { bucketOf } from './bucket-of.js';

test('a bucket holds its sizes, wastes little, and there are few of them', () => {
  const sizes = Array.from({ length: 100_000 }, (_, index) => index + 1);
  const wrong = sizes.filter((size) => {
    const bucket = bucketOf(size);
    const fits = bucket >= size && bucket - size <= Math.max(7, size / 32);
    return !fits || bucketOf(bucket) !== bucket;
  });
  expect(wrong).toEqual([]);
  const octave = new Set(sizes.filter((size) => size > 32768 && size <= 65536).map(bucketOf));
  expect(octave.size).toBe(32);
});

test('small sizes go by eights', () => {
  expect([1, 8, 9, 511, 513].map(bucketOf)).toEqual([8, 8, 16, 512, 528]);
});

test('what is no size is refused', () => {
  expect(() => bucketOf(0)).toThrow('size of 0');
  expect(() => bucketOf(2.5)).toThrow('size of 2.5');
});
