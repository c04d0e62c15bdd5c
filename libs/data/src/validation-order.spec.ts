import { sha256 } from '@captrain/runtime';
import { expect, it } from 'vitest';
import { validationOrder } from './validation-order.js';

it('is the same in every version: losses of old runs can be compared with new ones', () => {
  expect(sha256([...validationOrder(5000, 1000)].join(' '))).toBe(
    '5455810aeba8f0b7cfad99cb59cb7b7089c76c37bce348a6c28b12597c9c53c3',
  );
});

it('chooses captions of the split, each once; more of them are the same ones and others', () => {
  const few = [...validationOrder(100, 30)];
  expect(new Set(few).size).toBe(30);
  expect(few.every((caption) => caption < 100)).toBe(true);
  const all = [...validationOrder(100, 100)];
  expect(all.slice(0, 30)).toEqual(few);
  expect(all.toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i));
});
