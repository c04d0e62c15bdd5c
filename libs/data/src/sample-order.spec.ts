import { expect, it } from 'vitest';
import { sha256 } from '@captrain/runtime';
import { sampleOrder } from './sample-order.js';

const digestOf = (order: Uint32Array) => sha256(Array.from(order).join(' '));

it('is the same in every version: checkpoints of old runs resume where they were', () => {
  expect([...sampleOrder({ seed: 0, epoch: 0, count: 10 })]).toEqual([5, 8, 9, 6, 2, 1, 0, 3, 4, 7]);
  expect(digestOf(sampleOrder({ seed: 1, epoch: 2, count: 30_000 }))).toBe(
    '0c4b94210a69ed3b0f7e6464523bf9864a08ca5cdaa9118f9442c0f9b7c87aa3',
  );
});

it('has every caption once', () => {
  for (const count of [0, 1, 2, 1000]) {
    const order = sampleOrder({ seed: 3, epoch: 0, count });
    expect([...order].toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
  }
});

it('differs by seed and by epoch', () => {
  const digests = [0, 1, 2].flatMap((seed) =>
    [0, 1, 2].map((epoch) => digestOf(sampleOrder({ seed, epoch, count: 100 }))),
  );
  expect(new Set(digests).size).toBe(9);
});

it('puts every caption at every place equally often', () => {
  const count = 5;
  const draws = 5000;
  const tally = new Float64Array(count * count);
  for (let epoch = 0; epoch < draws; epoch++)
    sampleOrder({ seed: 7, epoch, count }).forEach((sample, place) => tally[place * count + sample]!++);
  const expected = draws / count;
  const chiSquare = tally.reduce((sum, times) => sum + (times - expected) ** 2 / expected, 0);
  // 16 degrees of freedom: the 99.9th percentile.
  expect(chiSquare).toBeLessThan(39.25);
});
