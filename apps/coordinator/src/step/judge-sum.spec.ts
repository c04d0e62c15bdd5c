import { expect, test } from 'vitest';
import { type JudgedBy, judgeSum } from './judge-sum.js';

const unseen = { seen: undefined, willBeSeen: false, allWillSay: false };
const seen = (finite: boolean | undefined) => ({ seen: finite, willBeSeen: true, allWillSay: false });
const saying = (...words: (boolean | undefined)[]) => {
  const members = words.map((_, i) => i);
  const said = new Map(words.flatMap((word, i) => (word === undefined ? [] : [[i, word] as const])));
  return (by: JudgedBy) => judgeSum(members, said, by);
};

test('what all say is so, and a lone worker is believed', () => {
  expect(saying(true, true)(unseen)).toEqual({ finite: true, liars: [] });
  expect(saying(false, false)(unseen)).toEqual({ finite: false, liars: [] });
  expect(saying(false)(unseen)).toEqual({ finite: false, liars: [] });
  expect(saying(false)(seen(true))).toEqual({ finite: false, liars: [] });
});

test('not before all have it, unless it is seen not to be finite', () => {
  expect(saying(true, undefined)(unseen)).toBe('open');
  expect(saying(true, undefined)(seen(true))).toBe('open');
  expect(saying(undefined, undefined)(seen(false))).toEqual({
    finite: false,
    liars: [],
  });
});

test('one word against others is not enough, nor one before others', () => {
  expect(saying(true, false)(unseen)).toBe('doubtful');
  expect(saying(undefined, false, undefined)(unseen)).toBe('doubtful');
  expect(saying(undefined, false)(seen(undefined))).toBe('open');
});

test('where all will say it, nothing is in doubt before', () => {
  const collective = { ...unseen, allWillSay: true };
  expect(saying(undefined, false)(collective)).toBe('open');
  expect(saying(false, false)(collective)).toEqual({ finite: false, liars: [] });
  expect(saying(true, false)(collective)).toBe('doubtful');
});

test('what is seen here tells who lies', () => {
  expect(saying(true, false)(seen(true))).toEqual({ finite: true, liars: [1] });
  expect(saying(true, false)(seen(false))).toEqual({ finite: false, liars: [0] });
});
