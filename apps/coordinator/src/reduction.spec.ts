import { BufferPool } from '@captrain/runtime';
import { describe, expect, it } from 'vitest';

import { Reduction } from './reduction.js';
import { type Subtree, shareMicrobatches } from './subtree.js';

const LENGTH = 64;

/** Values whose sum in float32 depends on the order of addition. */
function leaf(microbatch: number): Float32Array {
  return Float32Array.from(
    { length: LENGTH },
    (_, i) => Math.sin(microbatch * 97 + i) * 10 ** ((microbatch + i) % 7),
  );
}

function treeSum(first: number, count: number, microbatches: number): Float32Array {
  if (count === 1) return leaf(first);
  const left = treeSum(first, count / 2, microbatches);
  if (first + count / 2 >= microbatches) return left;
  const right = treeSum(first + count / 2, count / 2, microbatches);
  return left.map((value, i) => value + right[i]!);
}

function reduce(microbatches: number, subtrees: Subtree[]): number[] {
  const reduction = new Reduction(microbatches, new BufferPool(LENGTH));
  for (const subtree of subtrees) {
    expect(reduction.total).toBeUndefined();
    reduction.add(subtree, treeSum(subtree.first, subtree.count, microbatches));
  }
  return [...reduction.total!];
}

describe('the reduction', () => {
  it.each([1, 2, 3, 5, 6, 7, 8, 13, 16])(
    'of %i microbatches has the same bits for every number of workers and order of arrival',
    (microbatches) => {
      const expected = reduce(microbatches, shareMicrobatches(microbatches, 1).flat());
      for (let workers = 2; workers <= microbatches + 1; workers++) {
        const subtrees = shareMicrobatches(microbatches, workers).flat();
        expect(reduce(microbatches, subtrees)).toEqual(expected);
        expect(reduce(microbatches, subtrees.toReversed())).toEqual(expected);
        const shuffled = subtrees.toSorted((a, b) => Math.sin(a.first * 31) - Math.sin(b.first * 31));
        expect(reduce(microbatches, shuffled)).toEqual(expected);
      }
    },
  );

  it('has no total while a microbatch is missing', () => {
    const reduction = new Reduction(4, new BufferPool(LENGTH));
    reduction.add({ first: 0, count: 2 }, leaf(0));
    reduction.add({ first: 3, count: 1 }, leaf(3));
    expect(reduction.total).toBeUndefined();
  });
});
