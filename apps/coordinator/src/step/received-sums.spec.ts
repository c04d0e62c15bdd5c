import { expect, test } from 'vitest';
import { guiltyOf } from './received-sums.js';

test('whom several contradict is at fault, whether it served the sums or received them', () => {
  expect(
    guiltyOf([
      ['a', 'b'],
      ['a', 'c'],
    ]),
  ).toEqual(new Map([['a', new Set(['b', 'c'])]]));
  expect(
    guiltyOf([
      ['b', 'a'],
      ['c', 'a'],
    ]),
  ).toEqual(new Map([['a', new Set(['b', 'c'])]]));
});

test("one worker's word is not enough against another's", () => {
  expect(guiltyOf([['a', 'b']])).toEqual(new Map());
  // Each of the two says so of what the other served.
  expect(
    guiltyOf([
      ['a', 'b'],
      ['b', 'a'],
    ]),
  ).toEqual(new Map());
});
