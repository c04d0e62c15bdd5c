import { expect, test } from 'vitest';
import { cutsOf, finerCut, microbatchesAt } from './microbatch-cut.js';

test.each([
  [1, [1]],
  [32, [1, 2, 4, 8, 16, 32]],
  [40, [1, 2, 4, 8, 20, 40]],
  [36, [1, 2, 4, 9, 18, 36]],
  [7, [1, 7]],
])('a batch of %d captions is cut into equal parts: %j', (batchSize, cuts) => {
  expect(cutsOf(batchSize)).toEqual(cuts);
});

test('single captions are not cut', () => {
  expect([finerCut(8, 8), finerCut(8, 4), finerCut(9, 3)]).toEqual([undefined, 8, 9]);
});

test('parts of a batch are cut each for itself', () => {
  expect([finerCut(36, 4, 4), finerCut(36, 12, 4), finerCut(36, 36, 4)]).toEqual([12, 36, undefined]);
});

test('a cut holds from its update on, until the next', () => {
  const cuts = {
    microbatches: 2,
    microbatchCuts: [
      { step: 3, microbatches: 4 },
      { step: 5, microbatches: 8 },
    ],
  };
  expect([1, 2, 3, 4, 5, 6].map((update) => microbatchesAt(cuts, update))).toEqual([2, 2, 4, 4, 8, 8]);
  expect(microbatchesAt({ microbatches: 2 }, 9)).toBe(2);
});
