import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { beforeAll, expect, test } from 'vitest';
import { RandomStream } from '../random.js';
import { composedDropout, dropout, type DropoutKey, dropoutSeed, seedAt } from './dropout.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const key: DropoutKey = { seed: 7, step: 3, microbatch: 1 };
const ones = (...shape: number[]) => tf.ones(shape);
const drop = (x: tf.Tensor, rate: number, changed: Partial<DropoutKey> = {}, place = 'here') =>
  dropout(x, rate, tf.tensor1d(dropoutSeed({ ...key, ...changed }), 'int32'), place);

test('a share of the values becomes 0, and the others grow so that the mean stays', () => {
  for (const rate of [0.1, 0.5, 0.9]) {
    const values = drop(ones(400, 500), rate).dataSync();
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
    const dropped = values.filter((value) => value === 0).length / values.length;
    // Six standard deviations.
    expect(Math.abs(dropped - rate)).toBeLessThan(6 * Math.sqrt((rate * (1 - rate)) / values.length));
  }
});

test('the mask is a pure function of seed, place and shape', () => {
  const base = drop(ones(64, 64), 0.5).dataSync();
  expect(drop(ones(64, 64), 0.5).dataSync()).toEqual(base);
  const others = [
    drop(ones(64, 64), 0.5, { seed: 8 }),
    drop(ones(64, 64), 0.5, { step: 4 }),
    drop(ones(64, 64), 0.5, { microbatch: 2 }),
    drop(ones(64, 64), 0.5, {}, 'there'),
    // 7, 31, 1 and 7, 3, 11 must not be one key.
    drop(ones(64, 64), 0.5, { step: 31 }),
    drop(ones(64, 64), 0.5, { microbatch: 11 }),
  ].map((tensor) => tensor.dataSync());
  const equalTo = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).filter((value, i) => value === b[i]).length / a.length;
  [base, ...others].forEach((mask, i) => {
    for (const other of others.slice(i)) {
      expect(Math.abs(equalTo(mask, other) - 0.5)).toBeLessThan(0.05);
    }
  });
});

test('the gradient goes through the same mask', () => {
  const x = tf.tensor2d(new RandomStream(1, 'x').normal(600, 1), [20, 30]);
  const weights = tf.tensor2d(new RandomStream(2, 'w').normal(600, 1), [20, 30]);
  const gradient = tf
    .grad((x) => tf.sum(tf.mul(drop(x, 0.3), weights)))(x)
    .dataSync();
  expect(gradient).toEqual(drop(weights, 0.3).dataSync());
  expect(gradient.filter((value) => value === 0).length).toBeGreaterThan(100);
});

test('the kernel gives the bits of the composition', () => {
  for (const [shape, rate] of [
    [[3], 0.5],
    [[401, 77], 0.1],
    [[2, 3, 5, 7], 0.9],
  ] as const) {
    const x = tf.tensor(new RandomStream(3, 'x').normal(tf.util.sizeFromShape([...shape]), 1), [...shape]);
    const composed = composedDropout(x, rate, seedAt(tf.tensor1d(dropoutSeed(key), 'int32'), 'here'));
    expect(drop(x, rate).dataSync()).toEqual(composed.dataSync());
  }
});

test('without a seed, and at rate 0, nothing is done at all', () => {
  const x = ones(3, 4);
  expect(dropout(x, 0.5, undefined, 'here')).toBe(x);
  expect(drop(x, 0)).toBe(x);
});

test('what is not a number is dropped like any other value', () => {
  const values = drop(tf.fill([100, 100], NaN), 0.5).dataSync();
  expect(values.filter((value) => value === 0).length).toBeGreaterThan(4500);
});

test('leaves no tensor behind', () =>
  expectNoLeak(() => {
    tf.tidy(() =>
      tf
        .grad((x) => tf.sum(drop(x, 0.3)))(ones(5, 5))
        .dataSync(),
    );
  }));
