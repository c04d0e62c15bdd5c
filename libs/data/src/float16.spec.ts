import { expect, it } from 'vitest';
import { float16Values, toFloat16 } from './float16.js';

it('gives back every half-precision number', () => {
  const values = float16Values();
  for (let half = 0; half < 65_536; half++) {
    const value = values[half]!;
    if (Number.isNaN(value)) expect(toFloat16(value) & 0x7fff).toBe(0x7e00);
    else if (toFloat16(value) !== half) expect(toFloat16(value)).toBe(half);
  }
});

it('rounds to the nearest, ties to even', () => {
  const values = float16Values();
  for (let half = 0; half < 0x7bff; half++) {
    const [low, high] = [values[half]!, values[half + 1]!];
    const middle = (low + high) / 2;
    const even = half % 2 === 0 ? half : half + 1;
    const below = low + (high - low) * 0.499;
    const above = low + (high - low) * 0.501;
    if (toFloat16(middle) !== even || toFloat16(below) !== half || toFloat16(above) !== half + 1)
      expect([toFloat16(below), toFloat16(middle), toFloat16(above)]).toEqual([half, even, half + 1]);
  }
});

it('knows its limits', () => {
  expect([65504, 65519.99, 65520, 1e9, -1e9, 2 ** -25, 2 ** -24, 0, -0].map(toFloat16)).toEqual([
    0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0, 1, 0, 0x8000,
  ]);
});
