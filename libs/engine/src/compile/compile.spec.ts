import { beforeAll, describe, expect, test } from 'vitest';
import {
  type CompileOptions,
  type TensorFunction,
  compile,
  rawOp,
  recordingForXla,
  startEngine,
  tf,
} from '../index.js';
import { expectNoLeak } from '../testing.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

const compiled = (fn: TensorFunction, options: Partial<CompileOptions> = {}) =>
  compile(fn, { name: 'f', ...options });

const valuesOf = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => tensor.arraySync());

/** Mean squared error of a small MLP, and the gradients of its parameters; inputs x, y, w1, b1, w2. */
const mlp: TensorFunction = ([x, y, ...parameters]) => {
  const loss = (...[w1, b1, w2]: tf.Tensor[]) => {
    const hidden = tf.elu(tf.add(tf.matMul(x!, w1!), b1!));
    const out = tf.matMul(hidden, w2!);
    return tf.mean(tf.square(tf.sub(tf.softmax(out), y!))).asScalar();
  };
  const { value, grads } = tf.valueAndGrads(loss)(parameters);
  return [value, ...grads];
};
const mlpInputs = (rows: number, seed: number) => {
  const normal = (shape: number[], offset: number) => tf.randomNormal(shape, 0, 1, 'float32', seed + offset);
  return [normal([rows, 4], 0), normal([rows, 3], 1), normal([4, 5], 2), normal([5], 3), normal([5, 3], 4)];
};

describe.each([
  ['as TensorFlow runs it', false],
  ['by XLA', true],
])('a compiled function %s', (_, xla) => {
  test('gives what the function gives, in the first call and in later ones, with gradients', () => {
    const step = compiled(mlp, { xla });
    for (const [rows, seed] of [
      [2, 1],
      [2, 10],
      [7, 20],
      [2, 30],
    ] as const) {
      const inputs = mlpInputs(rows, seed);
      const expected = mlp(inputs);
      const found = step.call(inputs);
      expect(found.map(({ shape, dtype }) => [shape, dtype])).toEqual(
        expected.map(({ shape, dtype }) => [shape, dtype]),
      );
      found.forEach((tensor, index) =>
        expect(tf.max(tf.abs(tf.sub(tensor, expected[index]!))).arraySync()).toBeLessThan(1e-6),
      );
    }
    expect(step.report().map(({ inputs, calls }) => [inputs[0]!.shape, calls])).toEqual([
      [[7, 4], 1],
      [[2, 4], 3],
    ]);
    step.close();
  });

  test('gives the same bits in every call', () => {
    // What TensorFlow fuses in a function, and not op by op.
    const layer: TensorFunction = ([x, w, b]) => rawOp('BiasAdd', [rawOp('MatMul', [x!, w!])[0]!, b!]);
    const f = compiled(layer, { xla });
    const shapes = [[40, 768], [768, 64], [64]];
    const inputs = shapes.map((shape, seed) => tf.randomNormal(shape, 0, 0.2, 'float32', seed + 1));
    const [first, ...later] = [1, 2, 3].map(() => f.call(inputs).map((tensor) => [...tensor.dataSync()]));
    for (const each of later) expect(each).toEqual(first);
    f.close();
  });

  test('keeps nothing', async () => {
    const step = compiled(mlp, { xla });
    const inputs = mlpInputs(3, 1);
    await expectNoLeak(() => tf.dispose(step.call(inputs)));
    await expectNoLeak(() => {
      const other = compiled(mlp, { xla });
      tf.dispose(other.call(inputs));
      other.close();
    });
    step.close();
  });

  test('knows that it is recorded, and for what', () => {
    const seen: boolean[] = [];
    const square = compiled(
      ([x]) => {
        seen.push(recordingForXla());
        return [tf.square(x!)];
      },
      { xla },
    );
    square.call([tf.scalar(2)]);
    square.call([tf.scalar(3)]);
    expect(seen).toEqual([xla]);
    expect(recordingForXla()).toBe(false);
    square.close();
  });
});

describe('outputs', () => {
  test('may be an input, one tensor twice, or a constant, and are tensors of their own', () => {
    const f = compiled(([x]) => {
      const y = tf.neg(x!);
      return [x!, y, y, tf.tensor1d([1, 2])];
    });
    for (const value of [3, 4]) {
      const x = tf.scalar(value);
      const outputs = f.call([x]);
      tf.dispose(x);
      outputs[1]!.dispose();
      expect(valuesOf([outputs[0]!, outputs[2]!, outputs[3]!])).toEqual([value, -value, [1, 2]]);
    }
    f.close();
  });

  test('that are no tensors, or come later, are refused', () => {
    expect(() => compiled(() => tf.scalar(1) as never).call([])).toThrow('returns an array of tensors');
    const later = async () => [tf.scalar(1)];
    expect(() => compiled(later as never).call([])).toThrow('must not be async');
    // The backend is as it was.
    expect(tf.add(1, 2).arraySync()).toBe(3);
  });
});

describe('inputs', () => {
  test('may be variables that change in between', () => {
    const v = tf.variable(tf.scalar(2));
    const f = compiled(([x, y]) => [tf.mul(x!, y!)]);
    expect(f.call([v, tf.scalar(5)])[0]!.arraySync()).toBe(10);
    v.assign(tf.scalar(3));
    expect(f.call([v, tf.scalar(5)])[0]!.arraySync()).toBe(15);
    f.close();
  });

  test('that are one tensor are told from those that are two', () => {
    const f = compiled(([a, b]) => [tf.sub(a!, b!)]);
    const [one, two] = [tf.scalar(1), tf.scalar(2)];
    expect(f.call([one, one])[0]!.arraySync()).toBe(0);
    expect(f.call([two, one])[0]!.arraySync()).toBe(1);
    expect(f.call([two, two])[0]!.arraySync()).toBe(0);
    expect(f.report()).toHaveLength(2);
    f.close();
  });

  test('of other types are recorded anew', () => {
    const f = compiled(([x]) => [tf.add(x!, x!)]);
    expect(f.call([tf.scalar(1.5)])[0]!.arraySync()).toBe(3);
    const whole = f.call([tf.scalar(1, 'int32')])[0]!;
    expect([whole.dtype, whole.arraySync()]).toEqual(['int32', 2]);
    expect(f.report().map(({ inputs }) => inputs[0]!.dtype)).toEqual(['float32', 'int32']);
    f.close();
  });
});

test('list arguments, attributes of every kind and several outputs are recorded', () => {
  const f = compiled(([x, y]) => [
    tf.concat([x!, y!, x!], 1),
    tf.stack([x!, y!]),
    tf.addN([x!, y!, y!]),
    ...tf.split(x!, 2, 1),
    ...rawOp('TopKV2', [x!, tf.scalar(1, 'int32')], { sorted: true }, 2),
    rawOp('EnsureShape', [x!], { shape: { shape: [1, 2] } })[0]!,
    tf.einsum('ij,kj->ik', x!, y!),
    rawOp('Bucketize', [x!], { boundaries: { floats: [0.5, 1.5] } })[0]!,
    rawOp('LeakyRelu', [x!], { alpha: { float: 0.25 } })[0]!,
    rawOp('Squeeze', [x!], { squeeze_dims: { ints: [0] } })[0]!,
    tf.gather(y!, tf.tensor1d([0, 0], 'int32')),
  ]);
  const inputs = () => [tf.tensor2d([[1, -2]]), tf.tensor2d([[3, 4]])];
  const eager = valuesOf(f.fn(inputs()));
  f.call(inputs());
  expect(valuesOf(f.call(inputs()))).toEqual(eager);
  f.close();
});

describe('constants', () => {
  test('that are equal are one, and uniform ones take no room', () => {
    const f = compiled(([x]) => [
      tf.add(tf.mul(x!, tf.scalar(2)), tf.scalar(2)),
      tf.sum(tf.zeros([1000, 1000])),
      tf.ones([300, 1]),
    ]);
    f.call([tf.scalar(1)]);
    const [y, sum, ones] = f.call([tf.scalar(5)]);
    expect(valuesOf([y!, sum!])).toEqual([12, 0]);
    expect(ones!.shape).toEqual([300, 1]);
    const [{ constants, constantBytes }] = f.report() as [ReturnType<typeof f.report>[0]];
    expect(constants).toBeLessThanOrEqual(6);
    expect(constantBytes).toBeLessThan(50);
    f.close();
  });

  test('that are large are refused', () => {
    const table = Float32Array.from({ length: 300_000 }, (_, index) => index);
    const f = compiled(([x]) => [tf.mul(x!, tf.tensor1d(table))]);
    expect(() => f.call([tf.scalar(1)])).toThrow(
      'compiled function f: input 1 of Mul: a constant float32 [300000] has 1200000 bytes',
    );
  });
});

describe('verify', () => {
  test('tells what differs from call to call', () => {
    let calls = 0;
    const verified = (fn: TensorFunction) => {
      const f = compiled(fn, { verify: true });
      calls = 0;
      f.call([tf.tensor2d([[1, 2]])]);
      f.call([tf.tensor2d([[1, 2]])]);
      f.close();
    };
    expect(() => verified(([x]) => [tf.mul(x!, ++calls)])).toThrow(
      'op 0 (Mul) took the constant float32 [] (1) as input 1, and then the constant float32 [] (2)',
    );
    expect(() => verified(([x]) => [tf.leakyRelu(x!, ++calls / 4)])).toThrow(
      'op 0 (LeakyRelu) had the attribute alpha {"float":0.25}, and then {"float":0.5}',
    );
    expect(() => verified(([x]) => [++calls > 1 ? tf.neg(x!) : tf.exp(x!)])).toThrow(
      'op 0 was Exp, and then Neg',
    );
    expect(() => verified(([x]) => [++calls > 1 ? tf.neg(tf.neg(x!)) : tf.neg(x!)])).toThrow(
      'op 1 was none, and then Neg',
    );
    expect(() => verified(() => [tf.scalar(++calls)])).toThrow('output 0 was the constant float32 [] (1)');
  });

  test('goes on compiled where nothing does', () => {
    let runs = 0;
    const f = compiled(
      ([x]) => {
        runs++;
        return [tf.mul(x!, 2)];
      },
      { verify: true },
    );
    expect([1, 2, 3].map((value) => f.call([tf.scalar(value)])[0]!.arraySync())).toEqual([2, 4, 6]);
    expect(runs).toBe(2);
    f.close();
  });
});

test('a compiled function within another becomes a part of it, gradient and all', () => {
  const square = compiled(([x]) => [tf.square(x!)]);
  const f = compiled(([x]) => [tf.grad((y) => square.call([y])[0]!)(x!)]);
  expect([3, 4].map((value) => f.call([tf.scalar(value)])[0]!.arraySync())).toEqual([6, 8]);
  expect(square.report()).toEqual([]);
  f.close();
  expect(() => tf.grad((x) => square.call([x])[0]!)(tf.scalar(1))).toThrow('f: it has no gradient');
});

test('only so many shapes are kept, those that were used last', () => {
  const f = compiled(([x]) => [tf.neg(x!)], { limit: 2 });
  for (const size of [1, 2, 1, 3]) f.call([tf.ones([size])]);
  expect(f.report().map(({ inputs }) => inputs[0]!.shape)).toEqual([[1], [3]]);
  expect(valuesOf(f.call([tf.ones([2])]))).toEqual([[-1, -1]]);
  f.close();
  expect(() => f.call([tf.ones([1])])).toThrow('compiled function f: it is closed');
});
