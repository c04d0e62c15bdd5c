import { describe, expect, test } from 'vitest';
import { hasProductKernel } from './kernels.js';
import { rawOp } from './raw-op.js';
import { startEngine } from './start-engine.js';
import { tf } from './tf.js';

await startEngine({ device: 'cpu' });
const precisions = (['float32', 'bfloat16'] as const).filter(hasProductKernel);

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** To bfloat16, nearest even. */
function rounded(value: number): number {
  float[0] = value;
  word[0] = (word[0]! + 0x7fff + ((word[0]! >>> 16) & 1)) & 0xffff0000;
  return float[0];
}

/** Values between −1 and 1, the same for the same arguments. */
function values(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

interface Product {
  precision: 'float32' | 'bfloat16';
  a: Float32Array;
  b: Float32Array;
  rows: number;
  depth: number;
  columns: number;
  transposeA: boolean;
  transposeB: boolean;
  bias?: Float32Array | undefined;
}

function multiply({
  precision,
  a,
  b,
  rows,
  depth,
  columns,
  transposeA,
  transposeB,
  bias,
}: Product): Float32Array {
  return tf.tidy(() => {
    const biases = bias === undefined ? [] : [tf.tensor1d(bias)];
    const inputs = [
      tf.tensor2d(a, transposeA ? [depth, rows] : [rows, depth]),
      tf.tensor2d(b, transposeB ? [columns, depth] : [depth, columns]),
      ...biases,
    ];
    const attributes = {
      precision: { string: precision },
      transpose_a: transposeA,
      transpose_b: transposeB,
      B: { int: biases.length },
    };
    const product = rawOp('CaptrainMatMul', inputs, attributes)[0]!;
    expect([product.dtype, product.shape]).toEqual(['float32', [rows, columns]]);
    return { data: product.dataSync() as Float32Array };
  }).data;
}

/** The largest error, over the sum of the summands' magnitudes, against sums in double precision. */
function error(product: Product): number {
  const { precision, rows, depth, columns, transposeA, transposeB, bias } = product;
  const found = multiply(product);
  const factors = [product.a, product.b] as const;
  const [a, b] = precision === 'bfloat16' ? factors.map((values) => values.map(rounded)) : factors;
  let worst = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = bias?.[j] ?? 0;
      let size = Math.abs(sum);
      for (let k = 0; k < depth; k++) {
        const summand =
          a![transposeA ? k * rows + i : i * depth + k]! * b![transposeB ? j * depth + k : k * columns + j]!;
        sum += summand;
        size += Math.abs(summand);
      }
      worst = Math.max(worst, Math.abs(found[i * columns + j]! - sum) / size);
    }
  }
  return worst;
}

const transpositions = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

// Where the processor has no arithmetic for a precision there is no such op.
describe.each(precisions)('CaptrainMatMul in %s', (precision) => {
  const product = (
    rows: number,
    depth: number,
    columns: number,
    transposeA = false,
    transposeB = false,
    bias = false,
  ): Product => ({
    precision,
    a: values(rows * depth, 1),
    b: values(depth * columns, 2),
    rows,
    depth,
    columns,
    transposeA,
    transposeB,
    bias: bias ? values(columns, 3) : undefined,
  });

  test.each(transpositions)('is the product, transposed %s and %s', (a, b) => {
    expect(error(product(70, 300, 101, a, b))).toBeLessThan(4e-7);
    expect(error(product(200, 1601, 49, a, b, true))).toBeLessThan(4e-7);
  });

  test.each(transpositions)('fits any sizes, transposed %s and %s', (a, b) => {
    const sizes = [1, 2, 3, 15, 17, 31, 33, 65];
    sizes.forEach((rows, i) => {
      sizes.forEach((columns, j) => {
        const depth = sizes[(3 * i + j) % sizes.length]!;
        expect(error(product(rows, depth, columns, a, b, (i + j) % 2 === 0))).toBeLessThan(4e-7);
      });
    });
  });

  test.each(transpositions)('goes by blocks where factors are large, transposed %s and %s', (a, b) => {
    expect(error(product(9, 3203, 2000, a, b))).toBeLessThan(1e-6);
    expect(error(product(2000, 3203, 9, a, b, true))).toBeLessThan(1e-6);
  });

  test.each([
    [67, 35, 97],
    [801, 1700, 1900],
    [1900, 1700, 801],
  ])('puts values where they belong: %d rows, %d deep, %d columns', (rows, depth, columns) => {
    // Small integers are exact.
    const integers = (count: number) => Float32Array.from({ length: count }, (_, i) => (i * 7) % 13);
    const [a, b] = [integers(rows * depth), integers(depth * columns)];
    for (const [transposeA, transposeB] of transpositions) {
      const found = multiply({ precision, rows, depth, columns, transposeA, transposeB, a, b });
      const exact = tf.tidy(() =>
        tf
          .matMul(
            tf.tensor2d(a, transposeA ? [depth, rows] : [rows, depth]),
            tf.tensor2d(b, transposeB ? [columns, depth] : [depth, columns]),
            transposeA,
            transposeB,
          )
          .dataSync(),
      );
      expect(found.every((value, index) => value === exact[index])).toBe(true);
    }
  });

  test('lets no-numbers and infinities through to the values they belong to, and to no other', () => {
    const ones = (count: number) => new Float32Array(count).fill(1);
    const a = ones(3 * 5);
    a[0] = NaN;
    a[5] = Infinity;
    const bias = Float32Array.of(0, 0, NaN);
    const found = multiply({ ...product(3, 5, 3), a, b: ones(15), bias });
    expect([...found]).toEqual([NaN, NaN, NaN, Infinity, Infinity, NaN, 5, 5, NaN]);
  });

  test('takes subnormal values for zero', () => {
    const found = multiply({ ...product(1, 1, 1), a: Float32Array.of(1e-40), b: Float32Array.of(1e38) });
    expect(found[0]).toBe(0);
  });

  test('refuses what is no product, naming both shapes', () => {
    const call = (a: number[], b: number[], transposeA: boolean, ...bias: number[][]) =>
      tf.tidy(() => {
        const inputs = [a, b, ...bias].map((shape) => tf.zeros(shape));
        const attributes = { precision: { string: precision }, transpose_a: transposeA };
        rawOp('CaptrainMatMul', inputs, { ...attributes, B: { int: bias.length } });
      });
    expect(() => call([2, 3], [2, 4], false)).toThrow('there is no product of a [2, 3] and b [2, 4]');
    expect(() => call([2, 3], [3, 4], true)).toThrow('no product of a [2, 3] (transposed) and b [3, 4]');
    expect(() => call([2, 3, 1], [3, 4], false)).toThrow('two matrices, not a [2, 3, 1] and b [3, 4]');
    expect(() => call([2, 0], [0, 4], false)).toThrow('a product needs values: a [2, 0] and b [0, 4]');
    expect(() => call([2, 3], [3, 4], false, [3])).toThrow(
      'the bias [3] does not fit the product of a [2, 3] and b [3, 4]',
    );
    expect(() => call([2, 3], [3, 4], false, [4], [4])).toThrow('a product takes one bias at most');
  });
});

if (precisions.includes('bfloat16'))
  test('CaptrainMatMul in bfloat16 rounds to nearest even', () => {
    const sizes = { rows: 1, depth: 1, columns: 1, transposeA: false, transposeB: false };
    const round = (value: number) =>
      multiply({ precision: 'bfloat16', ...sizes, a: Float32Array.of(value), b: Float32Array.of(1) })[0]!;
    for (const value of [1.00390625, 1.01171875, 1.0039063, 1.0039062, -3.3, 65537, 1e30, -0.75])
      expect(round(value)).toBe(rounded(value));
  });

if (precisions.length > 0)
  test('CaptrainMatMul refuses a precision that there is none for', () => {
    const ones = () => tf.ones([1, 1]);
    expect(() => rawOp('CaptrainMatMul', [ones(), ones()], { precision: { string: 'float16' } })).toThrow(
      'there is no product in float16',
    );
  });
