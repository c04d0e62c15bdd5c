import { expect, test } from 'vitest';
import {
  bfloat16FromFloat32,
  float16FromFloat32,
  float32FromBfloat16,
  float32FromFloat16,
} from './float16.js';

test('every half but the NaNs comes back from float32 as it was', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(
    (half) => (half & 0x7c00) !== 0x7c00 || (half & 0x3ff) === 0,
  );
  expect(float16FromFloat32(float32FromFloat16(halves))).toEqual(halves);
});

test('halves have the values that IEEE 754 gives them', () => {
  const halves = new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0x3555]);
  const values = [1, -2, 65504, 2 ** -24, 2 ** -14, Infinity, 0.333251953125];
  expect([...float32FromFloat16(halves)]).toEqual(values);
});

test('between two halves the nearer wins, and ties go to the even one', () => {
  for (let half = 0; half < 0x7bff; half++) {
    const [low, high] = float32FromFloat16(new Uint16Array([half, half + 1]));
    const middle = (low! + high!) / 2;
    const spacing = high! - low!;
    const around = new Float32Array([middle - spacing / 8, middle, middle + spacing / 8]);
    const expected = [half, half + (half & 1), half + 1];
    const actual = [...float16FromFloat32(around)];
    if (actual.join() !== expected.join()) expect({ half, actual }).toEqual({ half, actual: expected });
  }
});

test('values beyond the largest half become infinite, and NaN stays NaN', () => {
  expect([...float16FromFloat32(new Float32Array([65519, 65520, -1e10]))]).toEqual([0x7bff, 0x7c00, 0xfc00]);
  expect(float32FromFloat16(float16FromFloat32(new Float32Array([NaN])))[0]).toBeNaN();
});

test('bfloat16 is the upper half of a float32', () => {
  expect([...float32FromBfloat16(new Uint16Array([0x3f80, 0xc2f7]))]).toEqual([1, -123.5]);
});

test('every bfloat16 but the NaNs comes back from float32 as it was', () => {
  const uppers = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(
    (upper) => (upper & 0x7fff) <= 0x7f80,
  );
  expect(bfloat16FromFloat32(float32FromBfloat16(uppers))).toEqual(uppers);
});

test('between two bfloat16s the nearer wins, and ties go to the even one', () => {
  const bits = new Uint32Array([0x3f807fff, 0x3f808000, 0x3f808001, 0x3f818000, 0x7f7fffff, 0x7f800001]);
  const expected = [0x3f80, 0x3f80, 0x3f81, 0x3f82, 0x7f80, 0x7fc0];
  expect([...bfloat16FromFloat32(new Float32Array(bits.buffer))]).toEqual(expected);
});
