import { type BufferPool, addInto } from '@captrain/runtime';
import { type Subtree, subtreeKey } from './subtree.js';

/**
 * Adds gradient sums up one binary tree over the microbatches, in whatever order they arrive. The tree, and
 * with it every rounding, depends on the number of microbatches alone: never on who computed what, or when.
 */
export class Reduction {
  private readonly nodes = new Map<string, Float32Array>();

  constructor(
    private readonly microbatches: number,
    private readonly pool: BufferPool,
  ) {}

  /** Takes over `sum`, the gradient sum of `subtree`: it is reused once added. */
  add(subtree: Subtree, sum: Float32Array): void {
    let { first, count } = subtree;
    for (; count < this.microbatches; count *= 2) {
      const isLeft = first % (count * 2) === 0;
      const siblingFirst = isLeft ? first + count : first - count;
      if (siblingFirst < this.microbatches) {
        // A right sibling at the tree's ragged edge may cover fewer microbatches, yet it goes by its full size.
        const siblingKey = subtreeKey({ first: siblingFirst, count });
        const sibling = this.nodes.get(siblingKey);
        if (sibling === undefined) break;
        this.nodes.delete(siblingKey);
        const [left, right] = isLeft ? [sum, sibling] : [sibling, sum];
        addInto(left, right);
        this.pool.give(right);
        sum = left;
      }
      first = isLeft ? first : siblingFirst;
    }
    this.nodes.set(subtreeKey({ first, count }), sum);
  }

  /** The sum over all microbatches, once every subtree was added. */
  get total(): Float32Array | undefined {
    for (const [key, sum] of this.nodes) {
      const [first, count] = key.split('+').map(Number);
      if (first === 0 && count! >= this.microbatches) return sum;
    }
    return undefined;
  }
}
