import { expect, test } from 'vitest';
import { paddedLength } from './caption-lengths.js';

test('captions are padded to ten deviations above the mean, or to the longest', () => {
  expect(paddedLength([10, 12, 14])).toBe(14);
  const alike = Array.from({ length: 1000 }, (_, i) => (i === 0 ? 100 : 10 + (i % 2)));
  expect(paddedLength(alike)).toBeLessThan(100);
  // Mean 3, variance 0.02 of 200 values (torch's, over n − 1): 3.01 + 10 · 0.1414… = 4.42 → 4.
  expect(paddedLength([5, ...Array.from({ length: 199 }, () => 3)])).toBe(4);
});
