/**
 * An aligned subtree of a step's microbatches: `count` is a power of two and divides `first`. Because
 * every sum follows the one binary tree over the microbatches, it is the same whoever computes which part.
 */
export interface Subtree {
  readonly first: number;
  readonly count: number;
}

/** The aligned subtrees that make up the microbatches [first, end), from left to right. */
export function alignedSubtrees(first: number, end: number): Subtree[] {
  const subtrees: Subtree[] = [];
  while (first < end) {
    let count = 1;
    while (first % (count * 2) === 0 && first + count * 2 <= end) count *= 2;
    subtrees.push({ first, count });
    first += count;
  }
  return subtrees;
}

/** Shares `microbatches` among `workers` as evenly as whole microbatches allow: one list of subtrees each. */
export function shareMicrobatches(microbatches: number, workers: number): Subtree[][] {
  const bound = (worker: number) => Math.round((worker * microbatches) / workers);
  return Array.from({ length: workers }, (_, worker) => alignedSubtrees(bound(worker), bound(worker + 1)));
}

export function subtreeKey({ first, count }: Subtree): string {
  return `${first}+${count}`;
}

/** Subtrees of a tree over `leaves` microbatches in order, siblings joined to one. */
export function joinSiblings(subtrees: readonly Subtree[], leaves: number): Subtree[] {
  const have = new Map(subtrees.map((subtree) => [subtreeKey(subtree), subtree]));
  for (let count = 1; count < leaves; count *= 2)
    for (let first = 0; first + count < leaves; first += 2 * count) {
      const left = subtreeKey({ first, count });
      const right = subtreeKey({ first: first + count, count });
      if (!have.has(left) || !have.has(right)) continue;
      have.delete(left);
      have.delete(right);
      const parent = { first, count: 2 * count };
      have.set(subtreeKey(parent), parent);
    }
  return [...have.values()].toSorted((a, b) => a.first - b.first);
}
