import { beforeAll, expect, test } from 'vitest';
import {
  type TensorFunction,
  callFunction,
  compile,
  defineFunction,
  memory,
  removeFunction,
  startEngine,
  tf,
} from '../index.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

const compiled = (fn: TensorFunction) => compile(fn, { name: 'f' });

const valuesOf = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => tensor.arraySync());

test('nothing is computed while a function is recorded', () => {
  const handles: number[] = [];
  const f = compiled(([x, indices]) => {
    const before = memory().handles;
    const y = tf.gather(tf.matMul(x!, tf.tensor2d([[1, 2]])), indices!);
    handles.push(memory().handles - before);
    expect([y.shape, y.dtype]).toEqual([[3, 2], 'float32']);
    return [y];
  });
  const inputs = [tf.tensor2d([[1], [2]]), tf.tensor1d([1, 0, 1], 'int32')];
  expect(valuesOf(f.call(inputs))).toEqual([
    [
      [2, 4],
      [1, 2],
      [2, 4],
    ],
  ]);
  expect(handles).toEqual([0]);
  // Which the function itself checks in every call.
  expect(() => f.call([inputs[0]!, tf.tensor1d([1, 0, 2], 'int32')])).toThrow(
    'indices[2] = 2 is not in [0, 2)',
  );
  f.close();
});

test('a function of defineFunction may be called in a compiled one', () => {
  const nodes = [{ name: 'y', op: 'MatMul', inputs: [0, 0], attributes: { transpose_b: true } }];
  defineFunction({ name: 'gram', inputs: ['float32'], nodes, outputs: ['y'] });
  const f = compiled(([x]) => [tf.neg(callFunction('gram', [x!], 1)[0]!)]);
  expect(valuesOf(f.call([tf.tensor2d([[1], [2]])]))).toEqual([
    [
      [-1, -2],
      [-2, -4],
    ],
  ]);
  f.close();
  removeFunction('gram');
});
