import { expect, test } from 'vitest';
import { evenRanges } from './even-ranges.js';

test('a range is cut at multiples of 1024 into pieces that follow each other', () => {
  expect(evenRanges({ first: 0, end: 5000 }, 2)).toEqual([
    { first: 0, end: 2048 },
    { first: 2048, end: 5000 },
  ]);
  expect(evenRanges({ first: 2048, end: 5000 }, 3)).toEqual([
    { first: 2048, end: 3072 },
    { first: 3072, end: 4096 },
    { first: 4096, end: 5000 },
  ]);
});

test('of an empty range all pieces are empty, wherever it is', () => {
  const empty = { first: 1500, end: 1500 };
  expect(evenRanges(empty, 3)).toEqual([empty, empty, empty]);
});
