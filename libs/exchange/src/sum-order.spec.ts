import { describe, expect, it } from 'vitest';
import { type Subtree, alignedSubtrees, shareMicrobatches } from './subtree.js';
import { sumOrder } from './sum-order.js';

const LENGTH = 64;

/** Values whose sum in float32 depends on the order of addition. */
function leaf(microbatch: number): Float32Array {
  return Float32Array.from(
    { length: LENGTH },
    (_, i) => Math.sin(microbatch * 97 + i) * 10 ** ((microbatch + i) % 7),
  );
}

/** The tree sum, written down plainly. */
function treeSum(first: number, count: number, microbatches: number): Float32Array {
  if (count === 1) return leaf(first);
  const left = treeSum(first, count / 2, microbatches);
  if (first + count / 2 >= microbatches) return left;
  const right = treeSum(first + count / 2, count / 2, microbatches);
  return left.map((value, i) => value + right[i]!);
}

/** What a sum in this order gives. */
function reduce(microbatches: number, subtrees: Subtree[]): number[] {
  const stack: Float32Array[] = [];
  for (const token of sumOrder(subtrees, microbatches)) {
    if (token >= 0) {
      const { first, count } = subtrees[token]!;
      stack.push(treeSum(first, count, microbatches));
    } else {
      const right = stack.pop()!;
      stack.push(stack.pop()!.map((value, i) => value + right[i]!));
    }
  }
  expect(stack).toHaveLength(1);
  return [...stack[0]!];
}

describe('the order of a sum', () => {
  it.each([1, 2, 3, 5, 6, 7, 8, 13, 16])(
    'over %i microbatches gives the same bits for every number of workers and order of parts',
    (microbatches) => {
      const root = 2 ** Math.ceil(Math.log2(microbatches));
      const expected = [...treeSum(0, root, microbatches)];
      for (let workers = 1; workers <= microbatches + 1; workers++) {
        const subtrees = shareMicrobatches(microbatches, workers).flat();
        expect(reduce(microbatches, subtrees)).toEqual(expected);
        expect(reduce(microbatches, subtrees.toReversed())).toEqual(expected);
        const shuffled = subtrees.toSorted((a, b) => Math.sin(a.first * 31) - Math.sin(b.first * 31));
        expect(reduce(microbatches, shuffled)).toEqual(expected);
      }
    },
  );

  it('is refused where the subtrees leave out a microbatch, or name one twice', () => {
    expect(() => sumOrder(alignedSubtrees(0, 7), 8)).toThrow('no subtree covers microbatch 7 of 8');
    expect(() => sumOrder([], 1)).toThrow('no subtree covers microbatch 0 of 1');
    const twice = [...alignedSubtrees(0, 8), { first: 2, count: 2 }];
    expect(() => sumOrder(twice, 8)).toThrow('the subtrees 0+8, 2+2 cover more than the microbatches 0 to 7');
    const same = [...alignedSubtrees(0, 2), ...alignedSubtrees(0, 2)];
    expect(() => sumOrder(same, 2)).toThrow('cover more than');
    expect(() => sumOrder(alignedSubtrees(0, 8), 5)).toThrow('cover more than');
  });
});
