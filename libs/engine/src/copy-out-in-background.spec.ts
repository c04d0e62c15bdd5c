import { beforeAll, describe, expect, test } from 'vitest';
import { accumulate } from './accumulate.js';
import { copyOutInBackground } from './copy-out-in-background.js';
import { hasKernels } from './kernels.js';
import { memory } from './memory.js';
import { startEngine } from './start-engine.js';
import { SharedMemory } from './sums/shared-memory.js';
import { expectNoLeak } from './testing.js';
import { tf } from './tf.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const large = 16 << 20;

describe('copyOutInBackground', () => {
  test('writes all values in order, into shared memory too', async () => {
    expect(hasKernels()).toBe(true);
    const shared = SharedMemory.create(4 * 300_010);
    const tensors = [tf.range(0, 300_000).reshape([3, 100_000]), tf.zeros([0]), tf.scalar(-1), tf.ones([9])];
    const into = shared.floats();
    const copy = copyOutInBackground(tensors, into);
    // It is unmapped only when the copy is done.
    shared.close();
    expect(into.length).toBe(300_010);
    copy.wait();
    expect([into[0], into[299_999], ...into.subarray(300_000)]).toEqual([
      0,
      299_999,
      -1,
      ...Array(9).fill(1),
    ]);
    await copy.done;
    expect(into.length).toBe(0);
    tf.dispose(tensors);
  });

  test('copies what the tensors held, whatever is computed, assigned and disposed of meanwhile', async () => {
    const variable = tf.variable(tf.fill([large], 1));
    const disposed = tf.fill([large], 2);
    const into = new Float32Array(2 * large);
    const { done } = copyOutInBackground([variable, disposed], into);
    disposed.dispose();
    for (let i = 0; i < 3; i++) tf.tidy(() => variable.assign(tf.add(variable, 1)));
    await done;
    expect(into.subarray(0, large).every((value) => value === 1)).toBe(true);
    expect(into.subarray(large).every((value) => value === 2)).toBe(true);
    expect(tf.tidy(() => tf.sub(variable, 4).abs().max().dataSync()[0])).toBe(0);
    variable.dispose();
  });

  test('lets an op change a variable in its own buffer after the wait', () => {
    const variable = tf.variable(tf.zeros([large]));
    const part = tf.ones([large]);
    accumulate([variable], [part]);
    const { dataId } = variable;
    const into = new Float32Array(large);
    const before = memory();
    for (let i = 1; i < 5; i++) {
      copyOutInBackground([variable], into).wait();
      accumulate([variable], [part]);
      expect(into[large - 1]).toBe(i);
    }
    expect(variable.dataId).toBe(dataId);
    expect(memory()).toMatchObject({ tensors: before.tensors, handles: before.handles });
    tf.dispose([variable, part]);
  });

  test('holds no buffer after the wait', () => {
    const into = new Float32Array(large);
    const resident = Array.from({ length: 12 }, () => {
      const tensor = tf.fill([large], 1);
      const copy = copyOutInBackground([tensor], into);
      tensor.dispose();
      copy.wait();
      return memory().residentBytes;
    });
    // Each of those that were held on would add 64 MiB.
    expect(resident.at(-1)! - resident[3]!).toBeLessThan(64 << 20);
  });

  test('refuses an array of another length, and leaves nothing behind', async () => {
    await expectNoLeak(async () => {
      const tensor = tf.ones([3]);
      expect(() => copyOutInBackground([tensor], new Float32Array(2))).toThrow(
        'an array of 2 values for tensors of 3',
      );
      await copyOutInBackground([tensor], new Float32Array(3)).done;
      await copyOutInBackground([], new Float32Array(0)).done;
      tensor.dispose();
    });
  });
});

test('sums of gradients keep subnormal values, as those of other processes do', () => {
  const sum = tf.variable(tf.tensor1d([1e-39, 1.5e-38, 1.2e-38]));
  accumulate([sum], [tf.tensor1d([2e-39, -1.4e-38, 1e-39])]);
  const expected = [1e-39, 1.5e-38, 1.2e-38].map((value, i) =>
    Math.fround(Math.fround(value) + Math.fround([2e-39, -1.4e-38, 1e-39][i]!)),
  );
  expect([...sum.dataSync()]).toEqual(expected);
});
