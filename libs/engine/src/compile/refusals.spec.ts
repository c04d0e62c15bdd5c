import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TensorFunction, compile, rawOp, readTensor, startEngine, tf } from '../index.js';
import { expectNoLeak } from '../testing.js';

const folder = mkdtempSync(path.join(tmpdir(), 'refusals-'));

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

afterAll(() => rmSync(folder, { recursive: true }));

const compiled = (fn: TensorFunction, xla = false) => compile(fn, { name: 'refused', xla });
const call = (fn: TensorFunction, inputs: tf.Tensor[] = [tf.tensor1d([1, 2])]) => compiled(fn).call(inputs);

test('a tensor from outside', () => {
  const outside = tf.tensor2d([[1, 2]]);
  const used = tf.neg(tf.tensor2d([[1, 2]]));
  for (const tensor of [outside, used])
    expect(() => call(([x]) => [tf.mul(x!, tensor)])).toThrow(
      'refused: input 1 of Mul is a tensor float32 [1, 2] that was made outside of the function: pass it as an input',
    );
  expect(() => call(() => [outside])).toThrow('output 0 is a tensor float32 [1, 2] that was made outside');
});

test('values read back, also where the function goes on after the error', () => {
  expect(() => call(([x]) => [tf.scalar(tf.sum(x!).arraySync() as number)])).toThrow(
    'JavaScript reads output 0 of Sum within the function',
  );
  expect(() => call(([x]) => [tf.scalar(x!.dataSync()[0]!)])).toThrow('reads input 0 of the function');
  const swallow: TensorFunction = ([x]) => {
    void tf
      .exp(x!)
      .data()
      .catch(() => undefined);
    return [x!];
  };
  expect(() => call(swallow)).toThrow('reads output 0 of Exp');
});

test('values read back by a kernel of tfjs', () => {
  const kernel = { kernelName: 'Looks', backendName: 'tensorflow' };
  tf.registerKernel({
    ...kernel,
    kernelFunc: ({ inputs, backend }) => {
      (backend as unknown as { readSync(id: object): void }).readSync(inputs['x']!.dataId);
      return inputs['x']!;
    },
  });
  const look = (x: tf.Tensor) => tf.engine().runKernel('Looks', { x }) as unknown as tf.Tensor;
  expect(() => call(([x]) => [look(tf.exp(x!))])).toThrow("tfjs's kernel Looks reads output 0 of Exp");
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
});

test('random numbers of JavaScript without a seed', () => {
  expect(() => call(([x]) => [tf.mul(x!, tf.randomNormal([2]))])).toThrow('random numbers in JavaScript');
  expect(Math.random()).toBeGreaterThanOrEqual(0);
  const seeded = compiled(([x]) => [tf.mul(x!, tf.randomNormal([2], 0, 1, 'float32', 5))]);
  expect(seeded.call([tf.scalar(1)])[0]!.arraySync()).toEqual(seeded.call([tf.scalar(1)])[0]!.arraySync());
  seeded.close();
});

test('a variable that is assigned to, which keeps its value', () => {
  const v = tf.variable(tf.scalar(1), true, 'mean');
  const assign = () => v.assign(tf.add(v, 1));
  expect(() => call(() => (assign(), []), [v])).toThrow('the function assigns to its input 0');
  expect(() => call(([x]) => (v.assign(x!.asScalar()), []), [tf.scalar(2)])).toThrow(
    'the function assigns to the variable mean',
  );
  expect(v.arraySync()).toBe(1);
  assign();
  expect(v.arraySync()).toBe(2);
});

test('a tensor that is kept: it has no value', () => {
  let kept: tf.Tensor | undefined;
  const f: TensorFunction = ([x]) => [(kept = tf.keep(tf.exp(x!)))];
  expect(() => call(f)).toThrow('the function keeps output 0 of Exp, which has a value only as its output');
  kept!.dispose();
});

test('ops whose shape the data decide', () => {
  const positive: TensorFunction = ([x]) => rawOp('Where', [tf.greater(x!, 0)]);
  expect(() => call(positive)).toThrow('(Where): the shape of output 0 is known only when it has run');
  const filled: TensorFunction = ([shape]) => rawOp('Fill', [shape!, tf.scalar(1)]);
  expect(() => call(filled, [tf.tensor1d([2, 3], 'int32')])).toThrow('(Fill): the shape of output 0');
});

test('inputs that do not fit an op, or too few outputs asked of it', () => {
  expect(() => call(([x]) => rawOp('MatMul', [x!, x!]))).toThrow('(MatMul): Shape must be rank 2');
  expect(() => call(([x]) => rawOp('TopKV2', [x!, tf.scalar(1, 'int32')], { sorted: true }))).toThrow(
    'TopKV2 gives 2 tensors, not 1',
  );
});

test('an op of our own by XLA', () => {
  const file = path.join(folder, 'values');
  writeFileSync(file, new Float32Array([1, 2]));
  const read: TensorFunction = ([x]) => [
    tf.add(x!, readTensor({ path: file, offset: 0, dtype: 'float32', shape: [2] })),
  ];
  expect(() => compiled(read, true).call([tf.scalar(1)])).toThrow(
    'XLA cannot compile the op CaptrainReadTensor',
  );
  const f = compiled(read);
  expect([1, 2].map((value) => f.call([tf.scalar(value)])[0]!.arraySync())).toEqual([
    [2, 3],
    [3, 4],
  ]);
  f.close();
});

test('an error within the function passes through, and leaves nothing behind', () =>
  expectNoLeak(() => {
    const x = tf.scalar(1);
    const failing: TensorFunction = ([input]) => {
      tf.add(input!, 1);
      throw new RangeError('of its own');
    };
    expect(() => call(failing, [x])).toThrow(RangeError);
    expect(tf.tidy(() => tf.add(x, 1).arraySync())).toBe(2);
    x.dispose();
  }));

test('an error within a gradient does so, too, in its forward and in its backward pass', () =>
  expectNoLeak(() => {
    const x = tf.scalar(1);
    const fails = tf.customGrad((x) => ({
      value: tf.square(x as tf.Tensor),
      gradFunc: () => {
        throw new RangeError('backward');
      },
    }));
    const forward = (x: tf.Tensor): tf.Tensor => {
      if (tf.sin(x).rank === 0) throw new RangeError('forward');
      return x;
    };
    for (const part of [fails, forward])
      expect(() => call(([x]) => [tf.grad((x) => part(tf.exp(tf.exp(x))))(x!)], [x])).toThrow(RangeError);
    x.dispose();
  }));
