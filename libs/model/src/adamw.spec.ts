import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { beforeAll, expect, test } from 'vitest';
import { AdamW } from './adamw.js';
import { optimizerConfig } from './config.js';
import { RandomStream } from './random.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const config = optimizerConfig.parse({});
const shapes = [[3, 2], [5], []];
const length = 12;

function variables(seed = 1): tf.Variable[] {
  return shapes.map((shape, index) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = new RandomStream(seed, String(index)).normal(count, 1);
    return tf.tidy(() => tf.variable(tf.tensor(values, shape)));
  });
}
const valuesOf = (list: tf.Variable[]) => list.flatMap((variable) => [...variable.dataSync()]);
const gradientOf = (step: number) =>
  new RandomStream(step, 'gradient').normal(length, 10 ** ((step % 5) - 2));

/** One update of one value as in transformers' AdamW, in doubles. */
function plainUpdate(
  x: number,
  g: number,
  state: { m: number; v: number },
  t: number,
  lr: number,
  decay: number,
) {
  const { beta1, beta2, epsilon } = config;
  state.m = beta1 * state.m + (1 - beta1) * g;
  state.v = beta2 * state.v + (1 - beta2) * g * g;
  const size = (lr * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
  const moved = x - (size * state.m) / (Math.sqrt(state.v) + epsilon);
  return moved - lr * decay * moved;
}

test.each([0, 0.1])('follows the published formula, with decay %d', (weightDecay) => {
  const list = variables();
  const optimizer = new AdamW(list, { ...config, weightDecay });
  let expected = valuesOf(list);
  const states = expected.map(() => ({ m: 0, v: 0 }));
  for (let step = 1; step <= 20; step++) {
    const gradient = gradientOf(step);
    optimizer.apply(gradient, { scale: 0.25, learningRate: 0.01 });
    expected = expected.map((x, i) => plainUpdate(x, gradient[i]! / 4, states[i]!, step, 0.01, weightDecay));
  }
  valuesOf(list).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
  expect(list.map((variable) => variable.shape)).toEqual(shapes);
  expect(optimizer.step).toBe(20);
});

test('gradients may come as tensors, and give the same bits', () => {
  const [a, b] = [variables(), variables()];
  const [first, second] = [new AdamW(a, config), new AdamW(b, config)];
  for (let step = 1; step <= 3; step++) {
    const gradient = gradientOf(step);
    let offset = 0;
    const tensors = b.map(({ shape, size }) => tf.tensor(gradient.slice(offset, (offset += size)), shape));
    first.apply(gradient, { learningRate: 0.1 });
    second.apply(tensors, { learningRate: 0.1 });
  }
  expect(valuesOf(b)).toEqual(valuesOf(a));
});

test('a state that was saved goes on bit for bit', () => {
  const whole = variables();
  const optimizer = new AdamW(whole, config);
  for (let step = 1; step <= 4; step++) optimizer.apply(gradientOf(step), { learningRate: 0.1 });

  const first = variables();
  const before = new AdamW(first, config);
  for (let step = 1; step <= 2; step++) before.apply(gradientOf(step), { learningRate: 0.1 });
  const state = before.exportState();
  const after = new AdamW(first, config);
  after.importState(state);
  state.m.fill(NaN);
  for (let step = 3; step <= 4; step++) after.apply(gradientOf(step), { learningRate: 0.1 });
  expect(valuesOf(first)).toEqual(valuesOf(whole));
  expect(after.exportState()).toEqual(optimizer.exportState());
});

test('large parameters, updated in several groups, follow the same formula', () => {
  const sizes = [3_000_000, 2_000_000, 5_000_000, 7];
  const list = sizes.map((size) => tf.variable(tf.ones([size])));
  const optimizer = new AdamW(list, config);
  const gradient = new Float32Array(sizes.reduce((sum, size) => sum + size, 0));
  gradient.fill(1, 0, 3_000_000).fill(-1, 3_000_000);
  optimizer.apply(gradient, { learningRate: 0.5 });
  const ends = list.flatMap((variable) => {
    const values = variable.dataSync();
    return [values[0]!, values.at(-1)!];
  });
  [0.5, 0.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5].forEach((value, i) => expect(ends[i]).toBeCloseTo(value, 3));
  optimizer.close();
  tf.dispose(list);
});

test('a gradient or a state of another length is refused', () => {
  const optimizer = new AdamW(variables(), config);
  expect(() => optimizer.apply(new Float32Array(11), { learningRate: 1 })).toThrow(
    '11 values for 12 parameters',
  );
  const state = { step: 1, m: new Float32Array(11), v: new Float32Array(11) };
  expect(() => optimizer.importState(state)).toThrow('11 values for 12 parameters');
});

test('nothing is left behind when it is closed', () =>
  expectNoLeak(() => {
    const list = variables();
    const optimizer = new AdamW(list, { ...config, weightDecay: 0.1 });
    optimizer.apply(gradientOf(1), { learningRate: 0.1 });
    optimizer.close();
    tf.dispose(list);
  }));
