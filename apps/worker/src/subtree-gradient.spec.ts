import { BufferPool } from '@captrain/runtime';
import { describe, expect, it } from 'vitest';
import { subtreeGradient } from './subtree-gradient.js';

const leaf = (microbatch: number, i: number) =>
  Math.fround(Math.sin(microbatch * 97 + i) * 10 ** (microbatch % 7));

async function sumOf(first: number, count: number, microbatches: number) {
  const pool = new BufferPool(8);
  const seen: number[] = [];
  const sum = await subtreeGradient(
    { first, count },
    microbatches,
    pool,
    async (microbatch, gradient) => {
      for (let i = 0; i < 8; i++) gradient[i] = leaf(microbatch, i);
      return { lossSum: microbatch, captionTokens: 1, captions: 1, inputSeconds: 0 };
    },
    ({ lossSum }) => seen.push(lossSum),
  );
  return { sum: [...sum], seen };
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

  it('needs one buffer per level of the tree', async () => {
    const taken = new Set<Float32Array>();
    const pool = new BufferPool(8);
    const compute = async (_: number, gradient: Float32Array) => {
      taken.add(gradient);
      return { lossSum: 0, captionTokens: 1, captions: 1, inputSeconds: 0 };
    };
    await subtreeGradient({ first: 0, count: 16 }, 16, pool, compute, () => {});
    expect(taken.size).toBe(5);
  });
});
