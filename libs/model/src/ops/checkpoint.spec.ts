// N rows, D width
import { compile, startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { beforeAll, expect, test } from 'vitest';
import { checkpoint } from './checkpoint.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { random } from './same-function.cases.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const inputs = () => [
  random('w', 8, 8),
  random('b', 8),
  random('gain', 8),
  random('bias', 8),
  random('x', 5, 8),
];

/** Two layers of a norm and an affine map, with or without checkpoints: the gradients of x and of the first `count` parameters. */
function gradientsOf(tensors: readonly tf.Tensor[], count: number, through?: typeof checkpoint): tf.Tensor[] {
  const [weight, shift, gain, bias, x] = tensors as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const trained = tensors.slice(0, count);
  const block = (x: tf.Tensor) => tf.add(x, linear(layerNorm(x, gain, bias, 1e-5), weight, shift, 'in-out'));
  const layer = (x: tf.Tensor) => (through === undefined ? block(x) : through(block, x, trained));
  const { value, grads } = tf.valueAndGrads(() => tf.sum(tf.square(layer(layer(x)))) as tf.Scalar)([
    x,
    ...trained,
  ]);
  return [value, ...grads];
}

const bitsOf = (tensors: tf.Tensor[]) => tensors.map((tensor) => [...tensor.dataSync()]);

test.each([0, 4])('value and gradients are the same bits, %d parameters being trained', (count) => {
  tf.tidy(() => {
    expect(bitsOf(gradientsOf(inputs(), count, checkpoint))).toEqual(bitsOf(gradientsOf(inputs(), count)));
  });
});

test('in a compiled function, too', () => {
  const run = (through?: typeof checkpoint) => {
    const f = compile((tensors) => gradientsOf(tensors, 4, through), { name: 'layers' });
    const bits = tf.tidy(() => bitsOf(f.call(inputs())));
    f.close();
    return bits;
  };
  expect(run(checkpoint)).toEqual(run());
});

test('leaks nothing, also where not all gradients are asked for', () =>
  expectNoLeak(() => {
    tf.tidy(() => {
      const all = inputs().slice(0, 4);
      gradientsOf([...all, random('x', 5, 8)], 1, (block, x) => checkpoint(block, x, all));
    });
  }));

test('an error of the block passes through the backward pass, and gradients go on after it', () => {
  let runs = 0;
  const block = (x: tf.Tensor) => {
    if (runs++ > 0) throw new Error('not again');
    return tf.square(x);
  };
  tf.tidy(() => {
    const x = tf.tensor1d([3]);
    expect(() => tf.grad((x) => checkpoint(block, x, []))(x)).toThrow('not again');
    expect(
      tf
        .grad((x) => tf.square(x))(x)
        .dataSync()[0],
    ).toBe(6);
  });
});
