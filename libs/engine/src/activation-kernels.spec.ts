import { beforeAll, expect, test } from 'vitest';
import { rawOp } from './raw-op.js';
import { startEngine } from './start-engine.js';
import { tf } from './tf.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const twist = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);

/** By its series, and by a continued fraction where that is slow. Source: Abramowitz and Stegun 7.1.5 and 7.1.14. */
function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x >= 3) {
    let fraction = 0;
    for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
    return 1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
  }
  let [sum, term] = [x, x];
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const normal = (x: number) => (1 + erf(x / Math.SQRT2)) / 2;

/** Each function, and its slope. */
const exact: Record<string, [(x: number) => number, (x: number) => number]> = {
  relu: [(x) => Math.max(0, x), (x) => (x > 0 ? 1 : 0)],
  tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  sigmoid: [logistic, (x) => logistic(x) * logistic(-x)],
  gelu: [(x) => x * normal(x), (x) => normal(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)],
  gelu_new: [
    (x) => x * logistic(twist(x)),
    (x) =>
      logistic(twist(x)) +
      x * logistic(twist(x)) * logistic(-twist(x)) * 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x),
  ],
  quick_gelu: [
    (x) => x * logistic(1.702 * x),
    (x) => logistic(1.702 * x) * (1 + 1.702 * x * logistic(-1.702 * x)),
  ],
  silu: [(x) => x * logistic(x), (x) => logistic(x) * (1 + x * logistic(-x))],
};

const activation = (kind: string, x: tf.Tensor) =>
  rawOp('CaptrainActivation', [x], { kind: { string: kind } })[0]!;
const gradient = (kind: string, dy: tf.Tensor, x: tf.Tensor) =>
  rawOp('CaptrainActivationGrad', [dy, x], { kind: { string: kind } })[0]!;

test.each(Object.keys(exact))('%s and its slope are within 3e-7 of the true values', (kind) => {
  const xs = Float32Array.from({ length: 60_001 }, (_, i) => (i - 30_000) * 1e-3);
  const x = tf.tensor1d(xs);
  const [f, slope] = exact[kind]!;
  const values = activation(kind, x).dataSync();
  const slopes = gradient(kind, tf.ones([xs.length]), x).dataSync();
  let worst = 0;
  xs.forEach((x, i) => {
    const scale = Math.max(1, Math.abs(x));
    worst = Math.max(worst, Math.abs(values[i]! - f(x)) / scale, Math.abs(slopes[i]! - slope(x)));
  });
  expect(worst).toBeLessThan(3e-7);
});

test.each(Object.keys(exact))('%s passes on what is no number, and works for any size', (kind) => {
  expect(activation(kind, tf.tensor1d([1, NaN, 2])).dataSync()[1]).toBeNaN();
  for (const size of [0, 1, 15, 17, 16_385]) {
    const x = tf.fill([size], 0.5);
    const expected = Math.fround(exact[kind]![0](0.5));
    for (const value of activation(kind, x).dataSync()) expect(value).toBeCloseTo(expected, 6);
    expect(gradient(kind, x, x).shape).toEqual([size]);
  }
});

test('a tanh of small numbers is exact to the last bits', () => {
  const xs = [1e-30, 1e-9, 1e-4, 0.01, 0.3];
  const values = activation('tanh', tf.tensor1d(xs)).dataSync();
  xs.forEach((x, i) => expect(values[i]! / Math.tanh(Math.fround(x))).toBeCloseTo(1, 6));
});

test('what does not belong together is an error', () => {
  expect(() => activation('swishy', tf.ones([2]))).toThrow('there is no activation swishy');
  expect(() => gradient('relu', tf.ones([2]), tf.ones([3]))).toThrow('dy [2] does not belong to x [3]');
});
