import { bytesPerValue } from '@captrain/engine/sums';
import { describe, expect, it } from 'vitest';
import { NotFinite, joinSums, writeSum } from './joined-sum.js';
import { type Subtree, joinSiblings, shareMicrobatches } from './subtree.js';
import { leaf, rounded, sumsOf } from './testing/gradients.js';

const LENGTH = 1000;
const LEAVES = 11;
const leaves = Array.from({ length: LEAVES }, (_, i) => leaf(i, LENGTH));
const range = { first: 13, end: 990 };

/** The tree sum of a subtree, ragged edge and all. */
function treeSum({ first, count }: Subtree): Float32Array {
  if (count === 1) return leaves[first]!;
  const left = treeSum({ first, count: count / 2 });
  if (first + count / 2 >= LEAVES) return left;
  const right = treeSum({ first: first + count / 2, count: count / 2 });
  return left.map((value, i) => value + right[i]!);
}

describe('a sum joined of several workers’', () => {
  it.each([1, 2, 3, 5, 11])(
    'has the bits of one that a single one computed, of %i workers',
    async (workers) => {
      const shares = shareMicrobatches(LEAVES, workers).flat().toReversed();
      const sums = sumsOf(leaves, shares);
      for (const subtree of [...joinSiblings(shares, LEAVES), { first: 0, count: 16 }])
        for (const format of ['float32', 'bfloat16'] as const) {
          const bytes = new Uint8Array((range.end - range.first) * bytesPerValue(format) + 1).subarray(1);
          const { finite } = await writeSum(joinSums(subtree, sums, LEAVES), range, format, bytes);
          expect(finite).toBe(true);
          const expected = rounded(treeSum(subtree).slice(range.first, range.end), format);
          const bits = new Uint16Array(expected.buffer).filter((_, i) => format === 'float32' || i % 2 === 1);
          expect(Buffer.from(bytes).equals(Buffer.from(bits.buffer))).toBe(true);
        }
    },
  );

  it('that is not finite names the part that is not, or none where only their sum is too large', async () => {
    const sums = [0, 1, 2, 3].map((first) => ({
      subtree: { first, count: 1 },
      values: new Float32Array(LENGTH),
    }));
    const sum = joinSums({ first: 0, count: 4 }, sums, 4);
    const write = () => writeSum(sum, range, 'float32', new Uint8Array((range.end - range.first) * 4));
    for (const { values } of sums) values[500] = 3e38;
    await expect(write()).rejects.toThrow(NotFinite);
    await expect(write()).rejects.toMatchObject({ part: undefined });
    sums[2]!.values[500] = Number.NaN;
    await expect(write()).rejects.toMatchObject({ part: sums[2] });
  });

  it('is refused where a part is missing', () => {
    const sums = sumsOf(leaves, [{ first: 4, count: 2 }]);
    expect(() => joinSums({ first: 4, count: 4 }, sums, LEAVES)).toThrow('no subtree covers microbatch 6');
  });
});

it('siblings join up to the whole, except at a ragged edge', () => {
  const single = Array.from({ length: 7 }, (_, first) => ({ first, count: 1 }));
  expect(joinSiblings(single.toReversed(), 7)).toEqual([
    { first: 0, count: 4 },
    { first: 4, count: 2 },
    { first: 6, count: 1 },
  ]);
});
