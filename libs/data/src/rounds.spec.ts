import { expect, test } from 'vitest';
import { partsOf, roundEnd, roundPlan, roundStart } from './rounds.js';

const options = { batchSize: 8, microbatches: 4, localSteps: 3, islands: 2 };

test('rounds follow each other without a gap, and the last is as short as the run leaves it', () => {
  const ends = [];
  for (let step = 0; step < 11; step = ends.at(-1)!) {
    ends.push(roundEnd(3, step, 11));
    expect(roundStart(3, ends.at(-1)!)).toBe(step);
  }
  expect(ends).toEqual([3, 6, 9, 11]);
  expect([roundEnd(1, 4, 11), roundStart(1, 5)]).toEqual([5, 4]);
});

test('each island has its part of every batch, and a short batch may leave it none', () => {
  // 20 captions: batches of 8, 8 and 4.
  const { captions, steps, islands } = roundPlan(20, options, 3);
  expect(captions).toBe(20);
  expect(steps).toEqual([
    { step: 0, epoch: 0, captions: { start: 0, end: 8 } },
    { step: 1, epoch: 0, captions: { start: 8, end: 16 } },
    { step: 2, epoch: 0, captions: { start: 16, end: 20 } },
  ]);
  expect(islands).toEqual([
    [
      { step: 0, microbatches: { start: 0, end: 2 }, captions: { start: 0, end: 4 } },
      { step: 1, microbatches: { start: 0, end: 2 }, captions: { start: 8, end: 12 } },
      { step: 2, microbatches: { start: 0, end: 2 }, captions: { start: 16, end: 20 } },
    ],
    [
      { step: 0, microbatches: { start: 2, end: 4 }, captions: { start: 4, end: 8 } },
      { step: 1, microbatches: { start: 2, end: 4 }, captions: { start: 12, end: 16 } },
    ],
  ]);
});

test('an island with nothing in the whole round is left out', () => {
  expect(roundPlan(20, { ...options, localSteps: 2 }, 3).islands.map((walk) => walk.length)).toEqual([1]);
});

test('every caption of a round falls to one island, over the end of an epoch, too', () => {
  const { captions, steps, islands } = roundPlan(20, { ...options, localSteps: 5 }, 5);
  const seen = islands
    .flat()
    .flatMap(({ captions: { start, end } }) => Array.from({ length: end - start }, (_, i) => start + i));
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: captions }, (_, i) => i));
  expect(captions).toBe(36);
  expect(steps.map(({ epoch, captions: { end } }) => [epoch, end])).toEqual([
    [0, 8],
    [0, 16],
    [0, 20],
    [1, 28],
    [1, 36],
  ]);
});

test('without local steps a batch is one part', () => {
  expect([partsOf({ localSteps: 1, islands: 4 }), partsOf({ localSteps: 2, islands: 4 })]).toEqual([1, 4]);
});
