import { tf } from '@captrain/engine';
import { expect } from 'vitest';
import { RandomStream } from '../random.js';

export type Function = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Normally distributed values that are always the same for one name. */
export function random(name: string, ...shape: number[]): tf.Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tf.tensor(new RandomStream(7, name).normal(count, 1), shape);
}

/**
 * Compares values and all gradients of two functions, each weighted by the same random numbers: no further apart than
 * `tolerance` times the largest value, or than it where all are below 1.
 */
export function expectSame(
  ours: Function,
  plain: Function,
  inputs: readonly tf.Tensor[],
  tolerance = 1e-5,
): void {
  const weights = random('weights', ...ours(...inputs).shape);
  const run = (f: Function) =>
    tf.valueAndGrads((...xs) => tf.sum(tf.mul(f(...xs), weights)) as tf.Scalar)([...inputs]);
  const [a, b] = [run(ours), run(plain)];
  expectClose(ours(...inputs), plain(...inputs), tolerance);
  a.grads.forEach((gradient, index) => expectClose(gradient, b.grads[index]!, tolerance));
}

export function expectClose(a: tf.Tensor, b: tf.Tensor, tolerance = 1e-5): void {
  expect(a.shape).toEqual(b.shape);
  const scale = Math.max(1, tf.max(tf.abs(b)).dataSync()[0]!);
  expect(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]! / scale).toBeLessThan(tolerance);
}
