import { describe, expect, test } from 'vitest';
import { fixture, pattern } from './pattern.cases.js';
import { type FilterName, resample } from './resample.js';

interface Resized {
  from: [number, number];
  to: [number, number];
  filter: FilterName;
  rgb: string;
}
const resized = fixture<Resized[]>('resized.json');

describe("every byte is Pillow's", () => {
  test.each(resized)('$from to $to, $filter', ({ from, to: [width, height], filter, rgb }) => {
    const whole = { left: 0, top: 0, width, height };
    const { data } = resample(pattern(from), { width, height }, whole, filter);
    expect(Buffer.from(data).toString('base64')).toBe(rgb);
  });
});

test('a window is the same part of the whole', () => {
  const size = { width: 20, height: 31 };
  const picture = pattern([50, 40]);
  const whole = resample(picture, size, { left: 0, top: 0, ...size }, 'bicubic');
  const window = { left: 4, top: 9, width: 7, height: 13 };
  const part = resample(picture, size, window, 'bicubic');
  for (let y = 0; y < 13; y++) {
    const start = ((9 + y) * 20 + 4) * 3;
    expect(part.data.subarray(y * 21, (y + 1) * 21)).toEqual(whole.data.subarray(start, start + 21));
  }
});

test('one tall line costs no more than its window', () => {
  const line = { data: new Uint8Array(50_000 * 3).fill(77), width: 1, height: 50_000 };
  const size = { width: 224, height: 224 * 50_000 };
  const { data } = resample(line, size, { left: 0, top: 5_599_888, width: 224, height: 224 }, 'bicubic');
  expect(data.every((value) => value === 77)).toBe(true);
});
