import { beforeAll, describe, expect, test } from 'vitest';
import { listDevices, memory, rawOp, startEngine, tf, type EngineInfo } from './index.js';
import { expectNoLeak } from './testing.js';

let info: EngineInfo;
beforeAll(async () => {
  info = await startEngine({ device: 'cpu' });
});

describe('a started engine', () => {
  test('says what it runs on', () => {
    expect(info).toMatchObject({ device: 'cpu', tensorflow: '2.21.0', tfjs: '4.22.0', deterministic: true });
    expect(listDevices().map(({ type }) => type)).toEqual(['CPU']);
  });

  test('computes, and differentiates', async () => {
    const x_AB = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    expect(await tf.matMul(x_AB, x_AB, false, true).array()).toEqual([
      [5, 11],
      [11, 25],
    ]);
    const gradient_AB = tf.grad((x) => tf.sum(tf.square(x)))(x_AB);
    expect(await gradient_AB.array()).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });

  test('starts again with the same options, and refuses others', async () => {
    expect(await startEngine({ device: 'cpu', threads: 0 })).toBe(info);
    await expect(startEngine({ device: 'cpu', threads: 1 })).rejects.toThrow('already runs with');
  });

  test('is not changed by a caller who goes on writing into his array', async () => {
    // Aligned to 64 bytes, where TensorFlow would lend the memory instead of copying it.
    const buffer = new ArrayBuffer(1 << 20);
    for (let offset = 0; offset < 64; offset += 4) {
      const values = new Float32Array(buffer, offset, 1024).fill(1);
      const kept = tf.tidy(() => tf.add(tf.tensor1d(values), 0));
      const [same] = rawOp('Identity', [tf.tensor1d(values)], { T: 'float32' });
      values.fill(2);
      expect((await kept.data())[0]).toBe(1);
      expect((await same!.data())[0]).toBe(1);
    }
  });
});

describe('a raw op', () => {
  test('runs by name, with several outputs and attributes of several kinds', async () => {
    const logits_NV = tf.tensor2d([
      [0, 0],
      [0, 1000],
    ]);
    const labels_N = tf.tensor1d([0, 1], 'int32');
    const [loss_N, gradient_NV] = rawOp('SparseSoftmaxCrossEntropyWithLogits', [logits_NV, labels_N], {}, 2);
    expect((await loss_N!.data())[0]).toBeCloseTo(Math.log(2), 6);
    expect(await gradient_NV!.array()).toEqual([
      [-0.5, 0.5],
      [0, 0],
    ]);

    const [leaky] = rawOp('LeakyRelu', [tf.tensor1d([-2, 2])], { alpha: { float: 0.5 }, T: 'float32' });
    expect(await leaky!.array()).toEqual([-1, 2]);
    const [squeezed] = rawOp('Squeeze', [tf.ones([1, 3, 1])], { squeeze_dims: { ints: [2] } });
    expect(squeezed!.shape).toEqual([1, 3]);
  });

  test('takes a list argument flat', async () => {
    const [sum] = rawOp('AddN', [tf.scalar(1), tf.scalar(2), tf.scalar(4)], { N: { int: 3 }, T: 'float32' });
    expect(await sum!.array()).toBe(7);
  });

  test('that does not exist is named', () => {
    expect(() => rawOp('NoSuchOp', [])).toThrow('NoSuchOp');
  });
});

describe('memory', () => {
  test('counts what tensors hold', () => {
    const before = memory();
    const ones = tf.add(tf.ones([256, 256]), 1);
    const after = memory();
    expect(after.tensorBytes - before.tensorBytes).toBeGreaterThanOrEqual(256 * 256 * 4);
    expect(after.residentBytes).toBeGreaterThan(1e8);
    ones.dispose();
  });

  test('a leak is found, and its absence too', async () => {
    await expectNoLeak(() => tf.tidy(() => tf.add(tf.ones([4]), 1).arraySync()));
    await expect(expectNoLeak(() => tf.add(tf.ones([4]), 1))).rejects.toThrow(/Leaked \d+ tensors/);
  });
});
