import type { SumOrder } from '@captrain/engine/sums';
import { type Subtree, subtreeKey } from './subtree.js';

/**
 * The order in which the sums of `subtrees` (a part each, by its place in the list) add up to that of all `leaves`
 * microbatches: one binary tree over the microbatches. The tree, and with it every rounding, depends on their number
 * alone: never on who computed what, or when. At its ragged edge a node has a left child only, and is the same sum.
 *
 * `root`: the subtree that they are parts of, where it is not the whole. Throws where they do not cover it exactly.
 */
export function sumOrder(
  subtrees: readonly Subtree[],
  leaves: number,
  root: Subtree = { first: 0, count: 2 ** Math.ceil(Math.log2(leaves)) },
): SumOrder {
  const parts = new Map(subtrees.map((subtree, part) => [subtreeKey(subtree), part]));
  const order: number[] = [];
  const visit = (first: number, count: number): void => {
    const part = parts.get(subtreeKey({ first, count }));
    if (part !== undefined) {
      order.push(part);
      return;
    }
    if (count === 1) throw new Error(`no subtree covers microbatch ${first} of ${leaves}`);
    const half = count / 2;
    visit(first, half);
    if (first + half >= leaves) return;
    visit(first + half, half);
    order.push(ADD);
  };
  visit(root.first, root.count);
  const end = Math.min(root.first + root.count, leaves);
  if (subtrees.reduce((sum, { count }) => sum + count, 0) > end - root.first) {
    const names = subtrees.map(subtreeKey).join(', ');
    throw new Error(
      `the subtrees ${names} cover more than the microbatches ${root.first} to ${end - 1} once`,
    );
  }
  return Int16Array.from(order);
}

const ADD = -1;
