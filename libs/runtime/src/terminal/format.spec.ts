import { expect, test } from 'vitest';
import { formatBytes, formatDuration, formatRate } from './format.js';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1536, '1.54 kB'],
  [999_600, '1.00 MB'],
  [620_000_000, '620 MB'],
])('%d bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0.42, '0.4 s'],
  [59.6, '1 min 0 s'],
  [200, '3 min 20 s'],
  [3599.7, '1 h 0 min'],
  [7500, '2 h 5 min'],
  [360_000, '4 d 4 h'],
  [Infinity, '–'],
])('%d seconds read %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test('rates keep three figures', () => {
  expect(formatRate(12.345, 'images')).toBe('12.3 images/s');
  expect(formatRate(12_345, 'captions')).toBe('12,345 captions/s');
  expect(formatRate(NaN, 'images')).toBe('– images/s');
});
