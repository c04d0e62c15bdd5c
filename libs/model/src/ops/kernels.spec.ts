import { hasKernels, rawOp, startEngine, tf } from '@captrain/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { ACTIVATIONS } from './activation.js';
import { type ActivationKind, COMPOSED_ACTIVATIONS } from './composed-activations.js';
import { composedGroups, groupedCrossEntropy } from './cross-entropy.js';
import { composedLayerNorm, layerNorm } from './layer-norm.js';
import { sumToLast } from './raw.js';
import { addRows } from './embedding.js';
import { expectClose, expectSame, random } from './same-function.cases.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  expect(hasKernels()).toBe(true);
});

describe("the engine's kernels compute what the compositions of TensorFlow's ops do, and their gradients", () => {
  test.each(Object.keys(COMPOSED_ACTIVATIONS) as ActivationKind[])('%s', (kind) => {
    const x = tf.mul(random('x', 113, 301), 4);
    expectSame(
      (x) => ACTIVATIONS[kind](x!),
      (x) => COMPOSED_ACTIVATIONS[kind](x!),
      [x],
    );
  });

  test.each([8, 768, 301])('layer norm of width %d', (width) => {
    const x = tf.add(tf.mul(random('x', 7, 23, width), 3), 1);
    expectSame(
      (x, gain, bias) => layerNorm(x!, gain!, bias!, 1e-5),
      (x, gain, bias) => composedLayerNorm(x!, gain!, bias!, 1e-5),
      [x, random('gain', width), random('bias', width)],
    );
  });

  test.each([
    [1, 5],
    [130, 301],
    [576, 768],
  ])('the sum of %d rows of %d', (rows, width) => {
    const x = random('x', rows, width);
    expectClose(sumToLast(x), tf.sum(x, 0));
  });

  test('cross-entropy with several targets in a row, none, and targets of other rows', () => {
    const rows_T = tf.tensor1d([-3, 0, 0, 0, 2, 3, 3, 6, 8, -1], 'int32');
    const targets_T = tf.tensor1d([4, 5, 0, 5, 1002, 7, 8, 3, 9, 0], 'int32');
    const logits = tf.mul(random('logits', 8, 1003), 3) as tf.Tensor2D;
    const counted = tf.unsortedSegmentSum(
      tf.oneHot(tf.slice(targets_T, 1, 7), 1003),
      tf.slice(rows_T, 1, 7),
      8,
    );
    const plain = (logits: tf.Tensor) =>
      tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits as tf.Tensor2D), counted))) as tf.Scalar;
    const { value, grad } = tf.valueAndGrad(plain)(logits);
    const [composedLoss, composedGradient] = composedGroups(logits, rows_T, targets_T);
    expectClose(tf.sum(composedLoss!), value);
    expectClose(composedGradient!, grad);
    // It may take the memory of its logits.
    const [loss, gradient] = groupedCrossEntropy(tf.mul(logits, 1), { rows_T, targets_T });
    expectClose(loss, value);
    expectClose(gradient, grad);
  });
});

test('what belongs to another layer norm is an error', () => {
  const [x, wide, narrow] = [tf.ones([2, 4]), tf.ones([4]), tf.ones([3])];
  expect(() => layerNorm(x, narrow, wide, 1e-5)).toThrow('gain and bias must have the width of x [2, 4]');
  const gradient = (mean: tf.Tensor) => rawOp('CaptrainLayerNormGrad', [x, x, wide, mean, tf.ones([2])]);
  expect(() => gradient(narrow)).toThrow('the inputs do not belong to one layer norm of x [2, 4]');
});

test('a rate of dropout or a seed that cannot be is an error', () => {
  const drop = (rate: number, seed: number[]) =>
    rawOp('CaptrainDropout', [tf.ones([4]), tf.tensor1d(seed, 'int32')], {
      rate: { float: rate },
      scale: { float: 1 },
    });
  expect(() => drop(1, [1, 2])).toThrow('a rate of dropout is at least 0 and below 1');
  expect(() => drop(0.5, [1])).toThrow('a seed has two numbers, not 1');
});

test('rows are added to a table where they belong, several to one too; the table stays as it was', () => {
  const [table, rows] = [random('table', 5, 33), random('rows', 4, 33)];
  const before = table.dataSync().slice();
  const indices = tf.tensor1d([3, 0, 3, 4], 'int32');
  const expected = tf.add(table, tf.unsortedSegmentSum(rows, indices, 5));
  expectClose(addRows(table, indices, rows), expected);
  expect(table.dataSync()).toEqual(before);
  expect(() => addRows(table, tf.tensor1d([3, 0, 5, 4], 'int32'), rows)).toThrow('index 5 is none of 5');
  expect(() => addRows(table, tf.tensor1d([3, 0], 'int32'), rows)).toThrow('rows [4, 33] of 2 indices');
});

test('targets that do not exist, and rows that do not ascend, are errors', () => {
  const loss = (rows: number[], targets: number[]) =>
    groupedCrossEntropy(tf.ones([3, 5]), {
      rows_T: tf.tensor1d(rows, 'int32'),
      targets_T: tf.tensor1d(targets, 'int32'),
    })[0];
  expect(() => loss([0, 1], [2, 5])).toThrow('target 5 is none of 5');
  expect(() => loss([0, 1], [-1, 4])).toThrow('target -1 is none of 5');
  expect(() => loss([1, 0], [1, 1])).toThrow('the rows of the targets do not ascend');
  expect(() => loss([0, -1, 1], [1, 1, 1])).toThrow('the rows of the targets do not ascend');
  expect(() => loss([1], [1, 1])).toThrow('2 targets have 1 rows');
  expect(loss([], []).dataSync()[0]).toBe(0);
});
