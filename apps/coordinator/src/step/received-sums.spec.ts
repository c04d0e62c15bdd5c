import { createLogger } from '@captrain/runtime';
import { expect, test } from 'vitest';
import type { Member } from '../membership/member.js';
import type { Route } from './open-exchange.js';
import { ReceivedSums, guiltyOf } from './received-sums.js';

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

test('workers with other reducers are not compared with each other', () => {
  const members = [0, 1, 2, 3].map((worker) => ({ worker, name: `w${worker}` }) as Member);
  // Two hosts of two: 0 and 1 exchange the first half, 2 and 3 the second.
  const reducersOf = (first: number, ...column: number[]) =>
    column.map((worker, i) => ({
      address: 'there',
      worker,
      first: first + 10 * i,
      end: first + 10 * (i + 1),
    }));
  const reducers = [reducersOf(0, 0, 1), reducersOf(20, 2, 3)];
  const routes = members.map((member, i) => [member, { reducers: reducers[i >> 1]! } as Route] as const);
  const log = createLogger('coordinator', { level: 'silent' });
  const received = new ReceivedSums({ crew: {}, log } as ConstructorParameters<typeof ReceivedSums>[0]);
  const say = (words: number[][]) => {
    received.begin(new Map(routes));
    for (const [i, checksums] of words.entries()) received.note(members[i]!, checksums);
    return received.differ();
  };
  const said = [7, 7, 5].map((first) => [first, first + 1]);
  expect(say([...said, [5, 6]])).toBe(false);
  expect(say([...said, [5, 9]])).toBe(true);
  // 3 has served another sum than 2 has received, or one of the two says so.
  expect(members.map(({ isDistrusted }) => isDistrusted)).toEqual([undefined, undefined, undefined, true]);
});
