import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { beforeAll, describe, expect, test } from 'vitest';
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

describe.each([{ composed: true }, { composed: false }])('with %o', (form) => {
  test.each([0, 0.1])('follows the published formula, with decay %d', (weightDecay) => {
    const list = variables();
    const optimizer = new AdamW(list, { ...config, weightDecay }, form);
    let expected = valuesOf(list);
    const states = expected.map(() => ({ m: 0, v: 0 }));
    for (let step = 1; step <= 20; step++) {
      const gradient = gradientOf(step);
      optimizer.apply(gradient, { scale: 0.25, learningRate: 0.01 });
      expected = expected.map((x, i) =>
        plainUpdate(x, gradient[i]! / 4, states[i]!, step, 0.01, weightDecay),
      );
    }
    valuesOf(list).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
    expect(list.map((variable) => variable.shape)).toEqual(shapes);
    expect(optimizer.step).toBe(20);
  });

  test('gradients may come as tensors, and give the same bits', () => {
    const [a, b] = [variables(), variables()];
    const [first, second] = [new AdamW(a, config, form), new AdamW(b, config, form)];
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
    const optimizer = new AdamW(whole, config, form);
    for (let step = 1; step <= 4; step++) optimizer.apply(gradientOf(step), { learningRate: 0.1 });

    const first = variables();
    const before = new AdamW(first, config, form);
    for (let step = 1; step <= 2; step++) before.apply(gradientOf(step), { learningRate: 0.1 });
    const state = before.exportState();
    const after = new AdamW(first, config, form);
    after.importState(state);
    state.m.fill(NaN);
    for (let step = 3; step <= 4; step++) after.apply(gradientOf(step), { learningRate: 0.1 });
    expect(valuesOf(first)).toEqual(valuesOf(whole));
    expect(after.exportState()).toEqual(optimizer.exportState());
  });

  test('large parameters, updated in several groups, follow the same formula', () => {
    const sizes = [3_000_000, 2_000_000, 5_000_000, 7];
    const list = sizes.map((size) => tf.variable(tf.ones([size])));
    const optimizer = new AdamW(list, config, form);
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
    const optimizer = new AdamW(variables(), config, form);
    expect(() => optimizer.apply(new Float32Array(11), { learningRate: 1 })).toThrow(
      '11 values for 12 parameters',
    );
    expect(() => optimizer.apply([tf.ones([3, 2]), tf.ones([5])], { learningRate: 1 })).toThrow(
      '2 gradients for 3 parameters',
    );
    expect(() =>
      optimizer.apply(
        [3, 5, 1].map((size) => tf.ones([size])),
        { learningRate: 1 },
      ),
    ).toThrow('gradient 0 has 3 values for 6 parameters');
    const state = { step: 1, m: new Float32Array(11), v: new Float32Array(11) };
    expect(() => optimizer.importState(state)).toThrow('11 values for 12 parameters');
  });

  test('nothing is left behind when it is closed', () =>
    expectNoLeak(() => {
      const list = variables();
      const optimizer = new AdamW(list, { ...config, weightDecay: 0.1 }, form);
      optimizer.apply(gradientOf(1), { learningRate: 0.1 });
      optimizer.close();
      tf.dispose(list);
    }));
});

/** Several sizes, some of which are no multiple of a vector, and one that takes more than one piece. */
function many(): tf.Variable[] {
  return [70_001, 33, 1, 16].map((size, index) =>
    tf.tidy(() => tf.variable(tf.tensor(new RandomStream(index, 'many').normal(size, 1)))),
  );
}

test('the kernel gives the bits of the composition', () => {
  const [a, b, c] = [many(), many(), many()];
  const settings = { ...config, weightDecay: 0.01 };
  const composed = new AdamW(a, settings, { composed: true });
  const [flat, separate] = [new AdamW(b, settings), new AdamW(c, settings)];
  for (let step = 1; step <= 5; step++) {
    const gradients = a.map(({ size }) => new RandomStream(step, `g${size}`).normal(size, 10 ** (step - 4)));
    const whole = Float32Array.from(gradients.flatMap((gradient) => [...gradient]));
    const factors = { scale: 1 / 37, learningRate: 0.003 * step };
    composed.apply(whole, factors);
    flat.apply(whole, factors);
    separate.apply(
      gradients.map((gradient) => tf.tensor(gradient)),
      factors,
    );
  }
  for (const [list, optimizer] of [[b, flat] as const, [c, separate] as const]) {
    expect(
      Buffer.from(Float32Array.from(valuesOf(list)).buffer).equals(
        Buffer.from(Float32Array.from(valuesOf(a)).buffer),
      ),
    ).toBe(true);
    expect(optimizer.exportState()).toEqual(composed.exportState());
  }
});

test('a tensor that shares values with a variable stays as it was', () => {
  const start = tf.tensor1d([1, 2, 3]);
  const variable = tf.variable(start);
  const optimizer = new AdamW([variable], config);
  optimizer.apply(Float32Array.of(1, 1, 1), { learningRate: 0.5 });
  const copy = variable.clone();
  const before = copy.dataSync();
  optimizer.apply(Float32Array.of(1, 1, 1), { learningRate: 0.5 });
  expect([...start.dataSync()]).toEqual([1, 2, 3]);
  expect(copy.dataSync()).toEqual(before);
  expect(variable.dataSync()[0]).toBeLessThan(before[0]!);
});
