import { CHUNK_VALUES, type Subtree } from '@captrain/protos';

/** More than a chunk, and no whole number of them. */
export const TOTAL = CHUNK_VALUES + 12_345;
/** Microbatches. */
export const LEAVES = 7;

/** Several subtrees each, not next to each other; one has none. */
export const SHARES: Subtree[][] = [
  [
    { first: 6, count: 1 },
    { first: 2, count: 2 },
  ],
  [
    { first: 0, count: 2 },
    { first: 4, count: 1 },
    { first: 5, count: 1 },
  ],
  [],
];

/** Values whose sum in float32 depends on the order of addition; others in every step. */
export function leaf(step: number, microbatch: number): Float32Array {
  const values = new Float32Array(TOTAL);
  let state = 12345 + 7919 * microbatch + 31 * step;
  for (let i = 0; i < TOTAL; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = (state >> 8) * 2 ** -((state & 15) + 10);
  }
  return values;
}

/** The sum of a subtree, up the tree of all microbatches. */
export function treeSum(step: number, { first, count }: Subtree): Float32Array {
  if (count === 1) return leaf(step, first);
  const left = treeSum(step, { first, count: count / 2 });
  if (first + count / 2 >= LEAVES) return left;
  const right = treeSum(step, { first: first + count / 2, count: count / 2 });
  for (let i = 0; i < TOTAL; i++) left[i]! += right[i]!;
  return left;
}

export const wholeSum = (step: number) => treeSum(step, { first: 0, count: 8 });

export const sumsOf = (step: number, subtrees: readonly Subtree[]) =>
  subtrees.map((subtree) => ({ subtree, values: treeSum(step, subtree) }));
