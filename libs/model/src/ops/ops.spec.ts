import { startEngine, tf } from '@captrain/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { ACTIVATIONS } from './activation.js';
import { attention, causalBias, splitHeads } from './attention.js';
import { sumCrossEntropy } from './cross-entropy.js';
import { embedding } from './embedding.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { type Function, expectSame as expectNear, random } from './same-function.cases.js';
import { withGradient } from './with-gradient.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const expectSame = (ours: Function, plain: Function, ...inputs: tf.Tensor[]) =>
  expectNear(ours, plain, inputs, 2e-5);

describe("operations have the values and gradients that tfjs's own autograd gives their formulas", () => {
  test.each([[true], [false]])('linear, with PyTorch layout %s', (torch) => {
    const weight = torch ? random('w', 5, 4) : random('w', 4, 5);
    const plain: Function = (x, w, b) =>
      tf.reshape(tf.add(tf.matMul(tf.reshape(x!, [6, 4]), torch ? tf.transpose(w!) : w!), b!), [2, 3, 5]);
    const ours: Function = (x, w, b) => linear(x!, w!, b, torch ? 'out-in' : 'in-out');
    expectSame(ours, plain, random('x', 2, 3, 4), weight, random('b', 5));
  });

  test('layer norm', () => {
    const plain: Function = (x, gain, bias) => {
      const { mean, variance } = tf.moments(x!, -1, true);
      return tf.add(tf.mul(tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, 1e-5))), gain!), bias!);
    };
    const ours: Function = (x, gain, bias) => layerNorm(x!, gain!, bias!, 1e-5);
    expectSame(ours, plain, random('x', 2, 3, 8), random('gain', 8), random('bias', 8));
  });

  const cube = (x: tf.Tensor) => tf.mul(tf.square(x), x);
  const plainActivations: Record<keyof typeof ACTIVATIONS, (x: tf.Tensor) => tf.Tensor> = {
    relu: (x) => tf.maximum(x, 0),
    tanh: (x) => tf.sub(1, tf.div(2, tf.add(tf.exp(tf.mul(x, 2)), 1))),
    sigmoid: (x) => tf.div(1, tf.add(1, tf.exp(tf.neg(x)))),
    gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.div(x, Math.SQRT2)))),
    gelu_new: (x) => {
      const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, cube(x))));
      return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(inner)));
    },
    gelu_python: (x) => plainActivations.gelu(x),
    gelu_fast: (x) => plainActivations.gelu_new(x),
    gelu_accurate: (x) => plainActivations.gelu_new(x),
    gelu_pytorch_tanh: (x) => plainActivations.gelu_new(x),
    gelu_python_tanh: (x) => plainActivations.gelu_new(x),
    quick_gelu: (x) => tf.mul(x, tf.sigmoid(tf.mul(1.702, x))),
    silu: (x) => tf.mul(x, tf.sigmoid(x)),
    swish: (x) => plainActivations.silu(x),
  };
  test.each(Object.keys(ACTIVATIONS) as (keyof typeof ACTIVATIONS)[])('%s', (name) => {
    expectSame(
      (x) => ACTIVATIONS[name](x!),
      (x) => plainActivations[name](x!),
      random('x', 5, 7),
    );
  });

  test('embedding, with rows that are used twice', () => {
    const indices = tf.tensor2d(
      [
        [1, 3, 1],
        [0, 3, 3],
      ],
      [2, 3],
      'int32',
    );
    const plain: Function = (table) =>
      tf.reshape(tf.matMul(tf.oneHot(tf.reshape(indices, [6]), 5), table!), [2, 3, 4]);
    expectSame((table) => embedding(table!, indices), plain, random('table', 5, 4));
  });

  test('summed cross-entropy', () => {
    const targets = tf.tensor1d([0, 4, 2], 'int32');
    const plain: Function = (logits) =>
      tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits as tf.Tensor2D), tf.oneHot(targets, 5))));
    expectSame((logits) => sumCrossEntropy(logits!, targets), plain, random('logits', 3, 5));
  });

  test('causal attention of two heads', () => {
    const plain: Function = (x) => {
      const heads = [0, 1].map((head) => {
        const part = (index: number) => tf.slice(x!, [0, 0, index * 4 + head * 2], [2, 3, 2]);
        const scores = tf.add(tf.mul(tf.matMul(part(0), part(1), false, true), 0.5), causalBias(3, 3));
        return tf.matMul(tf.softmax(scores), part(2));
      });
      return tf.concat(heads, 2);
    };
    const ours: Function = (x) => {
      const [q, k, v] = splitHeads(tf.reshape(x!, [6, 12]), 2, 3, 2);
      return tf.reshape(attention(q!, k!, v!, 0.5, causalBias(3, 3)), [2, 3, 4]);
    };
    expectSame(ours, plain, random('x', 2, 3, 12));
  });
});

test('gradients that nobody asks for are not computed', () => {
  const computed: string[] = [];
  const product = (x: tf.Tensor, weight: tf.Tensor) =>
    withGradient(
      { x, weight },
      () => tf.mul(x, weight),
      (dy) => ({
        x: () => (computed.push('x'), tf.mul(dy, weight)),
        weight: () => (computed.push('weight'), tf.mul(dy, x)),
      }),
    );
  const frozen = random('frozen', 3);
  tf.grad((x) => tf.sum(product(x, frozen)))(random('x', 3));
  expect(computed).toEqual(['x']);
});
