import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NonFiniteValueError, readTensor } from './read-tensor.js';
import { startEngine } from './start-engine.js';
import { expectNoLeak } from './testing.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-read-tensor-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => startEngine({ device: 'cpu' }));

/** A file with 3 bytes in front of the values: no offset need be aligned. */
function fileOf(name: string, values: ArrayBufferView): string {
  const file = path.join(folder, name);
  const { buffer, byteOffset, byteLength } = values;
  writeFileSync(
    file,
    Buffer.concat([Buffer.from('abc'), Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)]),
  );
  return file;
}

function read(
  name: string,
  dtype: 'float32' | 'float16' | 'bfloat16' | 'float64',
  values: ArrayBufferView,
  shape: number[],
) {
  return readTensor({ path: fileOf(name, values), offset: 3, dtype, shape });
}

test('values of every float type arrive as float32, with their shape', () => {
  const numbers = [1, -2.5, 0.333251953125, 65504, 2 ** -24, -0];
  const halves = new Uint16Array([0x3c00, 0xc100, 0x3555, 0x7bff, 0x0001, 0x8000]);
  const cases = [
    read('f32', 'float32', new Float32Array(numbers), [2, 3]),
    read('f16', 'float16', halves, [2, 3]),
    read('f64', 'float64', new Float64Array(numbers), [2, 3]),
  ];
  for (const tensor of cases) {
    expect(tensor.shape).toEqual([2, 3]);
    expect(tensor.dtype).toBe('float32');
    expect([...tensor.dataSync()]).toEqual(numbers);
  }
  const upper = read('bf16', 'bfloat16', new Uint16Array([0x3f80, 0xc2f7]), [2]);
  expect([...upper.dataSync()]).toEqual([1, -123.5]);
});

test('every finite half has the value that its bits give', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter(
    (half) => (half & 0x7c00) !== 0x7c00,
  );
  const values = read('halves', 'float16', halves, [halves.length]).dataSync();
  const wrong = [...halves].filter((half, index) => {
    const [sign, exponent, mantissa] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
    const value = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
    return !Object.is(values[index], sign * value);
  });
  expect(wrong).toEqual([]);
});

test('scalars and empty tensors are read too', () => {
  expect(read('scalar', 'float32', new Float32Array([7]), []).dataSync()[0]).toBe(7);
  expect(read('empty', 'float32', new Float32Array(0), [0, 4]).shape).toEqual([0, 4]);
});

test('more values than fit one piece are read in order', () => {
  const values = Float32Array.from({ length: 200_001 }, (_, i) => i);
  expect(read('long', 'float32', values, [200_001]).dataSync()).toEqual(values);
});

describe('what is no number is told by its place', () => {
  test.each([
    ['NaN', NaN],
    ['infinite', -Infinity],
  ])('%s', (what, value) => {
    const values = new Float32Array(150_000).fill(1);
    values[140_001] = value;
    expect(() => read(what, 'float32', values, [150_000])).toThrow(NonFiniteValueError);
    expect(() => read(what, 'float32', values, [150_000])).toThrow(`value 140001 is ${what}`);
  });

  test('the first of several, whichever thread finds its own earlier', () => {
    const values = new Float32Array(5_000_000).fill(1);
    for (const index of [2_400_000, 2_600_000, 4_999_999]) values[index] = NaN;
    expect(() => read('several', 'float32', values, [5_000_000])).toThrow('value 2400000 is NaN');
  });

  test('an infinite half, and a double that is too large for float32', () => {
    expect(() => read('half', 'float16', new Uint16Array([0x3c00, 0x7c00]), [2])).toThrow(
      'value 1 is infinite',
    );
    expect(() => read('double', 'float64', new Float64Array([1e300]), [1])).toThrow('value 0 is infinite');
  });
});

test('more values than one thread reads are read in order', () => {
  const values = Float32Array.from({ length: 4_500_001 }, (_, i) => i);
  const found = read('longer', 'float32', values, [4_500_001]).dataSync() as Float32Array;
  expect(
    Buffer.compare(Buffer.from(found.buffer, found.byteOffset, found.byteLength), Buffer.from(values.buffer)),
  ).toBe(0);
});

test('a file that is not there, or too short, is an error that names it', () => {
  const range = { offset: 0, dtype: 'float32', shape: [4] } as const;
  expect(() => readTensor({ path: path.join(folder, 'none'), ...range })).toThrow(/none cannot be opened/);
  const short = fileOf('short', new Float32Array(2));
  expect(() => readTensor({ path: short, ...range })).toThrow(/short became shorter/);
});

test('a changed file is read anew', () => {
  expect(read('changing', 'float32', new Float32Array([1]), [1]).dataSync()[0]).toBe(1);
  expect(read('changing', 'float32', new Float32Array([2]), [1]).dataSync()[0]).toBe(2);
});

test('nothing is left behind, after an error either', () =>
  expectNoLeak(() => {
    read('kept', 'float32', new Float32Array(10), [10]).dispose();
    expect(() => read('kept', 'float32', new Float32Array([NaN]), [1])).toThrow(NonFiniteValueError);
  }));
