import { beforeAll, describe, expect, test } from 'vitest';
import { accumulate } from './accumulate.js';
import { copyOut } from './copy-out.js';
import { addressOf } from './host-array.js';
import { hasKernels } from './kernels.js';
import { rawOp } from './raw-op.js';
import { startEngine } from './start-engine.js';
import { expectNoLeak } from './testing.js';
import { tf } from './tf.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const numbers = (count: number, first = 0) => Float32Array.from({ length: count }, (_, i) => first + i);
/** One takes several pieces, one is empty, one a scalar. */
const sizes = [[300, 500], [7], [0], []];
function tensors(): tf.Tensor[] {
  let first = 0;
  return sizes.map((shape) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    first += size;
    return tf.tensor(numbers(size, first - size), shape);
  });
}

describe('copyOut', () => {
  test('writes all values in order', () => {
    const into = new Float32Array(150_008);
    copyOut(tensors(), into);
    expect(into).toEqual(numbers(150_008));
  });

  test('writes into a part of a larger array, and nowhere else', () => {
    const whole = new Float32Array(10);
    copyOut([tf.tensor1d([1, 2, 3])], whole.subarray(4, 7));
    expect([...whole]).toEqual([0, 0, 0, 0, 1, 2, 3, 0, 0, 0]);
    for (const first of [1, 15, 16]) {
      const larger = new Float32Array(150_040);
      copyOut(tensors(), larger.subarray(first, first + 150_008));
      expect(larger.subarray(first, first + 150_008)).toEqual(numbers(150_008));
      expect(larger.subarray(0, first).some((value) => value !== 0)).toBe(false);
      expect(larger.subarray(first + 150_008).some((value) => value !== 0)).toBe(false);
    }
  });

  test('refuses an array of another length', () => {
    expect(() => copyOut(tensors(), new Float32Array(150_007))).toThrow(
      'an array of 150007 values for tensors of 150008',
    );
  });

  test('leaves no tensor behind', () =>
    expectNoLeak(() => {
      const tensor = tf.scalar(1);
      copyOut([tensor], new Float32Array(1));
      tensor.dispose();
    }));
});

describe('accumulate', () => {
  test('adds to the sums, and to nothing that shared their values', () => {
    const starts = tensors();
    const sums = starts.map((tensor) => tf.variable(tensor));
    const parts = tensors();
    for (let i = 0; i < 3; i++) accumulate(sums, parts);
    const [values, unchanged] = [new Float32Array(150_008), new Float32Array(150_008)];
    copyOut(sums, values);
    copyOut(starts, unchanged);
    expect(values).toEqual(numbers(150_008).map((value) => 4 * value));
    expect(unchanged).toEqual(numbers(150_008));
  });

  test('refuses parts that do not fit', () => {
    const sums = [tf.variable(tf.zeros([3]))];
    expect(() => accumulate(sums, [])).toThrow('0 parts for 1 sums');
    expect(() => accumulate(sums, [tf.zeros([4])])).toThrow(/size|4 values for a sum of 3/);
  });
});

test('ops that are given no array, or one of another length, say so', () => {
  expect(hasKernels()).toBe(true);
  const x = tf.ones([3]);
  const copy = (address: tf.Tensor) => rawOp('CaptrainCopyOut', [x, address], { N: { int: 1 } }, 0);
  expect(() => copy(addressOf(new Float32Array(2)))).toThrow('an array of 2 values for tensors of 3');
  expect(() => copy(addressOf())).toThrow('an array of 0 values for tensors of 3');
  expect(() => copy(tf.tensor1d([1], 'int32'))).toThrow('an address has four int32 values, not 1');
});
