import { expect, test } from 'vitest';
import { cosine, maxAbsDifference, relativeL2 } from './compare.js';
import { atLeast, atMost, identical } from './row.js';

const a = new Float32Array([3, 4, 0]);
const b = new Float32Array([3, 4, 0.5]);

test('distances are what their names say', () => {
  expect(maxAbsDifference(a, b)).toBe(0.5);
  expect(relativeL2(b, a)).toBeCloseTo(0.1, 6);
  expect(cosine(a, new Float32Array([6, 8, 0]))).toBeCloseTo(1, 12);
  expect(cosine(a, new Float32Array([-4, 3, 0]))).toBeCloseTo(0, 12);
});

test('what is no number passes no limit', () => {
  const broken = new Float32Array([3, NaN, 0]);
  expect(atMost('x', 1, maxAbsDifference(broken, a)).passed).toBe(false);
  expect(atMost('x', 1, relativeL2(a, broken)).passed).toBe(false);
  expect(atLeast('x', 0, cosine(a, broken)).passed).toBe(false);
});

test('arrays of different lengths are no match', () => {
  expect(() => maxAbsDifference(a, new Float32Array(2))).toThrow('3 values beside 2');
});

test('lists are compared entry by entry, and a missing one differs', () => {
  expect(identical('x', [[1, 2], [3]], [[1, 2], [3]])).toMatchObject({ measured: 0, passed: true });
  expect(identical('x', [[1, 2], [4]], [[1, 2], [3], [5]])).toMatchObject({ measured: 2, passed: false });
  expect(identical('nothing compared', [], []).passed).toBe(false);
});
