import { beforeAll, describe, expect, test } from 'vitest';
import {
  type FunctionDefinition,
  callFunction,
  defineFunction,
  hasFunction,
  removeFunction,
  startEngine,
  tf,
} from './index.js';
import { expectNoLeak } from './testing.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

/** y = gelu-like chain of one matmul: relu(x w + b), and the sum of y beside it. */
const layer = (name: string, xla: boolean): FunctionDefinition => ({
  name,
  xla,
  inputs: ['float32', 'float32', 'float32'],
  nodes: [
    { name: 'product', op: 'MatMul', inputs: [0, 1] },
    { name: 'shifted', op: 'BiasAdd', inputs: ['product', 2] },
    { name: 'y', op: 'Relu', inputs: ['shifted:0'] },
    {
      name: 'axes',
      op: 'Const',
      inputs: [],
      attributes: {
        dtype: 'int32',
        value: { tensor: { dtype: 'int32', shape: [2], data: new Int32Array([0, 1]) } },
      },
    },
    { name: 'total', op: 'Sum', inputs: ['y', 'axes'], attributes: { keep_dims: false } },
  ],
  outputs: ['y', 'total'],
});

describe.each([
  ['as TensorFlow runs it', false],
  ['compiled by XLA', true],
])('a function %s', (title, xla) => {
  const name = xla ? 'layer_xla' : 'layer';

  test('computes what its ops compute, for inputs of any shape', async () => {
    defineFunction(layer(name, xla));
    expect(hasFunction(name)).toBe(true);
    for (const rows of [1, 3]) {
      const x = tf.randomNormal([rows, 4], 0, 1, 'float32', rows);
      const w = tf.randomNormal([4, 5], 0, 1, 'float32', 7);
      const b = tf.randomNormal([5], 0, 1, 'float32', 8);
      const expected = tf.relu(tf.add(tf.matMul(x, w), b));
      const [y, total] = callFunction(name, [x, w, b], 2);
      expect(y!.shape).toEqual([rows, 5]);
      expect(tf.max(tf.abs(tf.sub(y!, expected))).arraySync()).toBeLessThan(1e-5);
      expect(total!.arraySync()).toBeCloseTo(tf.sum(expected).arraySync() as number, 4);
    }
  });

  test('leaves no tensors behind', async () => {
    const inputs = [tf.ones([2, 4]), tf.ones([4, 5]), tf.ones([5])];
    await expectNoLeak(() => tf.tidy(() => callFunction(name, inputs, 2)[1]!.arraySync()));
  });
});

describe('defining a function', () => {
  const define = (nodes: FunctionDefinition['nodes'], inputs: FunctionDefinition['inputs'] = ['float32']) =>
    defineFunction({ name: 'refused', inputs, nodes, outputs: [nodes[0]!.name] });

  test('takes list arguments, and calls functions defined before', async () => {
    defineFunction({
      name: 'twice',
      inputs: ['float32'],
      nodes: [{ name: 'sum', op: 'AddN', inputs: [[0, 0]] }],
      outputs: ['sum'],
    });
    defineFunction({
      name: 'four_times',
      inputs: ['float32'],
      nodes: [
        { name: 'two', op: 'twice', inputs: [0] },
        { name: 'four', op: 'twice', inputs: ['two'] },
      ],
      outputs: ['four'],
    });
    expect(await callFunction('four_times', [tf.scalar(3)], 1)[0]!.array()).toBe(12);
  });

  test('computes in element types that tfjs does not have', async () => {
    defineFunction({
      name: 'through_bfloat16',
      inputs: ['float32'],
      nodes: [
        { name: 'narrow', op: 'Cast', inputs: [0], attributes: { DstT: 'bfloat16' } },
        { name: 'wide', op: 'Cast', inputs: ['narrow'], attributes: { DstT: 'float32' } },
      ],
      outputs: ['wide'],
    });
    expect(await callFunction('through_bfloat16', [tf.scalar(1.001)], 1)[0]!.array()).toBe(1);
  });

  test('names the node that does not fit', () => {
    expect(() => define([{ name: 'a', op: 'NoSuchOp', inputs: [0] }])).toThrow(
      /a \(NoSuchOp\).*not registered/s,
    );
    expect(() => define([{ name: 'a', op: 'MatMul', inputs: [0, 'b'] }])).toThrow(
      'a (MatMul): there is no node b',
    );
    expect(() => define([{ name: 'a', op: 'MatMul', inputs: [0, 1] }], ['float32', 'int32'])).toThrow(
      'a (MatMul)',
    );
    expect(() =>
      define([
        { name: 'a', op: 'Relu', inputs: [0] },
        { name: 'a', op: 'Relu', inputs: [0] },
      ]),
    ).toThrow('two nodes are called a');
    expect(() => define([{ name: 'a', op: 'Relu', inputs: [3] }])).toThrow('there is no argument 3');
    expect(hasFunction('refused')).toBe(false);
  });

  test('its nodes run on the device that they name, and on none that is not there', () => {
    const onDevice = (device: string) => {
      const name = `on_${device.replaceAll(/\W/g, '_')}`;
      defineFunction({
        name,
        inputs: ['float32'],
        nodes: [{ name: 'y', op: 'Neg', inputs: [0], device }],
        outputs: ['y'],
      });
      return callFunction(name, [tf.scalar(2)], 1)[0]!.dataSync()[0];
    };
    expect(onDevice('/device:CPU:0')).toBe(-2);
    expect(() => onDevice('/device:GPU:9')).toThrow(/GPU:9/);
    expect(() => onDevice('nowhere')).toThrow(/nowhere/);
  });

  test('can be undone', () => {
    defineFunction({
      name: 'short_lived',
      inputs: ['float32'],
      nodes: [{ name: 'y', op: 'Neg', inputs: [0] }],
      outputs: ['y'],
    });
    removeFunction('short_lived');
    expect(hasFunction('short_lived')).toBe(false);
    expect(() => callFunction('short_lived', [tf.scalar(1)], 1)).toThrow('short_lived');
  });
});
