import type { SumOrder } from '@captrain/engine/sums';
import { type Subtree, subtreeKey } from './subtree.js';

/**
 * The order in which the sums of `subtrees` (a part each, by its place in the list) add up to that of all `leaves`
 * microbatches: one binary tree over the microbatches. The tree, and with it every rounding, depends on their number
 * alone: never on who computed what, or when. At its ragged edge a node has a left child only, and is the same sum.
 *
 * Throws where the subtrees do not cover [0, leaves) exactly.
 */
export function sumOrder(subtrees: readonly Subtree[], leaves: number): SumOrder {
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
  visit(0, 2 ** Math.ceil(Math.log2(leaves)));
  if (subtrees.reduce((sum, { count }) => sum + count, 0) > leaves) {
    const names = subtrees.map(subtreeKey).join(', ');
    throw new Error(`the subtrees ${names} cover more than the microbatches 0 to ${leaves - 1} once`);
  }
  return Int16Array.from(order);
}

const ADD = -1;
