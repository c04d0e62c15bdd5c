import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { describe, expect, test } from 'vitest';
import { bfloat16Refusal } from '../bfloat16-refusal.cases.js';
import { RandomStream } from '../random.js';
import { linear } from './linear.js';
import { productIn } from './product.js';

await startEngine({ device: 'cpu' });

const random = (name: string, rows: number, columns: number) =>
  tf.tensor2d(new RandomStream(3, name).normal(rows * columns, 1), [rows, columns]);
const relative = (a: tf.Tensor, b: tf.Tensor) =>
  tf.norm(tf.sub(a, b)).dataSync()[0]! / tf.norm(b).dataSync()[0]!;

const transpositions = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

test.each(transpositions)('is the product in float32, transposed %s and %s', (transposeA, transposeB) => {
  const a = transposeA ? random('a', 70, 40) : random('a', 40, 70);
  const b = transposeB ? random('b', 50, 70) : random('b', 70, 50);
  const bias = tf.tensor1d(new RandomStream(3, 'bias').normal(50, 1));
  const exact = tf.matMul(a, b, transposeA, transposeB);
  const multiply = productIn('float32');
  expect(relative(multiply(a, b, transposeA, transposeB), exact)).toBeLessThan(1e-6);
  expect(relative(multiply(a, b, transposeA, transposeB, bias), tf.add(exact, bias))).toBeLessThan(1e-6);
});

// Where the processor has no arithmetic for it, it is refused: captioner/precision.spec.ts.
if (bfloat16Refusal() === undefined)
  describe('in bfloat16', () => {
    test.each(transpositions)(
      'is the product to bfloat16, transposed %s and %s',
      (transposeA, transposeB) => {
        const a = transposeA ? random('a', 70, 40) : random('a', 40, 70);
        const b = transposeB ? random('b', 50, 70) : random('b', 70, 50);
        const product = productIn('bfloat16')(a, b, transposeA, transposeB);
        expect([product.dtype, product.shape]).toEqual(['float32', [40, 50]]);
        const error = relative(product, tf.matMul(a, b, transposeA, transposeB));
        // Seven bits behind the point: rounding by up to 2⁻⁹ in both factors, and, by TensorFlow, in the product.
        expect(error).toBeLessThan(2 ** -8);
        expect(error).toBeGreaterThan(2 ** -13);
      },
    );

    test('adds a bias in float32', () => {
      const [a, b] = [random('a', 5, 7), random('b', 7, 3)];
      const bias = tf.tensor1d([1, 2, 1e-3]);
      const product = tf.add(productIn('bfloat16')(a, b, false, false), bias);
      expect(productIn('bfloat16')(a, b, false, false, bias).dataSync()).toEqual(product.dataSync());
    });

    test('rounds what comes in, and adds up in float32', () => {
      const product = (a: number[], b: number[]) =>
        productIn('bfloat16')(tf.tensor2d([a]), tf.tensor2d([b]), false, true).dataSync()[0];
      expect(product([1.001], [1])).toBe(1);
      expect(product([1.01], [1])).toBe(1.0078125);
      // In bfloat16 sums, 256 + 1 would stay 256 each time.
      expect(product([256, ...Array<number>(256).fill(1)], Array<number>(257).fill(1))).toBe(512);
    });

    test('a linear layer in bfloat16 has gradients near those in float32, and leaves no tensor behind', async () => {
      const inputs = [
        random('x', 30, 40),
        random('w', 40, 20),
        tf.tensor1d(new RandomStream(1, 'b').normal(20, 1)),
      ];
      const weights = random('weights', 30, 20);
      const gradients = (precision: 'float32' | 'bfloat16') =>
        tf.grads((x, w, b) => tf.sum(tf.mul(linear(x!, w!, b, 'in-out', precision), weights)))(inputs);
      const [narrow, wide] = [gradients('bfloat16'), gradients('float32')];
      narrow.forEach((gradient, index) => expect(relative(gradient, wide[index]!)).toBeLessThan(2 ** -8));
      await expectNoLeak(() => tf.dispose(tf.tidy(() => gradients('bfloat16'))));
    });
  });
