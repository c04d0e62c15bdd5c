export const PARAMETERS = 5;

export type LeafGradient = (step: number, microbatch: number) => number[];

/** A gradient whose float32 sum depends on the order of addition. */
export const leafGradient: LeafGradient = (step, microbatch) =>
  Array.from({ length: PARAMETERS }, (_, i) =>
    Math.fround(Math.sin(step * 31 + microbatch * 7 + i) * 10 ** ((microbatch + i) % 6)),
  );

/** The sum of microbatches [first, first + count) up the tree of `microbatches` of them. */
export function treeSum(
  step: number,
  first: number,
  count: number,
  microbatches: number,
  leaf: LeafGradient = leafGradient,
): number[] {
  if (count === 1) return leaf(step, first);
  const left = treeSum(step, first, count / 2, microbatches, leaf);
  if (first + count / 2 >= microbatches) return left;
  const right = treeSum(step, first + count / 2, count / 2, microbatches, leaf);
  return left.map((value, i) => Math.fround(value + right[i]!));
}
