import { expect, test } from 'vitest';
import { judgeSum } from './judge-sum.js';

const unseen = { seen: undefined, willBeSeen: false };
const saying = (...words: (boolean | undefined)[]) => {
  const members = words.map((_, i) => i);
  const said = new Map(words.flatMap((word, i) => (word === undefined ? [] : [[i, word] as const])));
  return (here: { seen: boolean | undefined; willBeSeen: boolean }) => judgeSum(members, said, here);
};

test('what all say is so, and a lone worker is believed', () => {
  expect(saying(true, true)(unseen)).toEqual({ finite: true, liars: [] });
  expect(saying(false, false)(unseen)).toEqual({ finite: false, liars: [] });
  expect(saying(false)(unseen)).toEqual({ finite: false, liars: [] });
  expect(saying(false)({ seen: true, willBeSeen: true })).toEqual({ finite: false, liars: [] });
});

test('not before all have it, unless it is seen not to be finite', () => {
  expect(saying(true, undefined)(unseen)).toBe('open');
  expect(saying(true, undefined)({ seen: true, willBeSeen: true })).toBe('open');
  expect(saying(undefined, undefined)({ seen: false, willBeSeen: true })).toEqual({
    finite: false,
    liars: [],
  });
});

test('one word against others is not enough, nor one before others', () => {
  expect(saying(true, false)(unseen)).toBe('doubtful');
  expect(saying(undefined, false, undefined)(unseen)).toBe('doubtful');
  expect(saying(undefined, false)({ seen: undefined, willBeSeen: true })).toBe('open');
});

test('what is seen here tells who lies', () => {
  expect(saying(true, false)({ seen: true, willBeSeen: true })).toEqual({ finite: true, liars: [1] });
  expect(saying(true, false)({ seen: false, willBeSeen: true })).toEqual({ finite: false, liars: [0] });
});
