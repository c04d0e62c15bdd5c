import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { Abandoned } from './abandoned.js';
import { subtreeGradient } from './subtree-gradient.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const leaf = (microbatch: number, i: number) =>
  Math.fround(Math.sin(microbatch * 97 + i) * 10 ** (microbatch % 7));

const sums = {
  lossSum: 0,
  captionTokens: 1,
  captions: 1,
  samples: new Uint32Array(1),
  seconds: 0,
  inputSeconds: 0,
};

const keepNone = () => Promise.reject(new Error('nothing was abandoned'));

async function sumOf(first: number, count: number, microbatches: number) {
  const seen: number[] = [];
  let most = 0;
  const tensors = await subtreeGradient(
    { first, count },
    microbatches,
    async (microbatch) => {
      const values = Array.from({ length: 8 }, (_, i) => leaf(microbatch, i));
      const gradients = [tf.tensor1d(values.slice(0, 5)), tf.tensor1d(values.slice(5))];
      most = Math.max(most, tf.memory().numTensors);
      return { gradients, sums };
    },
    (microbatch) => seen.push(microbatch),
    keepNone,
  );
  const sum = tensors.flatMap((tensor) => [...tensor.dataSync()]);
  tf.dispose(tensors);
  return { sum, seen, most };
}

describe("a subtree's gradient", () => {
  it('is added pairwise up the tree, not one after another', async () => {
    const { sum, seen } = await sumOf(0, 4, 4);
    const expected = sum.map((_, i) =>
      Math.fround(Math.fround(leaf(0, i) + leaf(1, i)) + Math.fround(leaf(2, i) + leaf(3, i))),
    );
    expect(sum).toEqual(expected);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('leaves out what lies beyond the last microbatch of a short step', async () => {
    const { sum, seen } = await sumOf(0, 4, 3);
    expect(sum).toEqual(sum.map((_, i) => Math.fround(Math.fround(leaf(0, i) + leaf(1, i)) + leaf(2, i))));
    expect(seen).toEqual([0, 1, 2]);
  });

  it('needs one gradient per level of the tree, and leaves none behind', async () => {
    const before = tf.memory().numTensors;
    await expectNoLeak(async () => {
      const { most } = await sumOf(0, 16, 16);
      expect(most - before).toBe(5 * 2);
    });
  });

  it('leaves none behind where a microbatch fails', () =>
    expectNoLeak(async () => {
      const failing = subtreeGradient(
        { first: 0, count: 4 },
        4,
        async (microbatch) => {
          if (microbatch === 3) throw new Error('microbatch 3 fails');
          return { gradients: [tf.ones([4])], sums };
        },
        () => {},
        keepNone,
      );
      await expect(failing).rejects.toThrow('microbatch 3 fails');
    }));

  it('hands over what was added up when it is abandoned', () =>
    expectNoLeak(async () => {
      const kept: unknown[] = [];
      const abandoned = subtreeGradient(
        { first: 0, count: 8 },
        8,
        async (microbatch) => {
          if (microbatch === 7) throw new Abandoned();
          return { gradients: [tf.fill([2], 2 ** microbatch)], sums };
        },
        () => {},
        async (subtree, tensors) => {
          kept.push([subtree, [...tensors[0]!.dataSync()]]);
          tf.dispose(tensors);
        },
      );
      await expect(abandoned).rejects.toBeInstanceOf(Abandoned);
      expect(kept).toEqual([
        [{ first: 6, count: 1 }, [64, 64]],
        [{ first: 4, count: 2 }, [48, 48]],
        [{ first: 0, count: 4 }, [15, 15]],
      ]);
    }));
});
