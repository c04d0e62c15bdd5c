import { type Subtree, alignedSubtrees, joinSiblings, shareMicrobatches } from '@captrain/exchange';

/** Who computes which aligned subtrees of a step's microbatches: together all of them, each once. */
export type Assignment<Worker> = ReadonlyMap<Worker, readonly Subtree[]>;

/** Shares the microbatches [0, leaves) evenly among `working`; the `others` have a part in the plan, but no work. */
export function shareOut<Worker>(
  leaves: number,
  working: readonly Worker[],
  others: readonly Worker[] = [],
): Assignment<Worker> {
  const shares = shareMicrobatches(leaves, working.length);
  return new Map([...working, ...others].map((worker, i) => [worker, shares[i] ?? []]));
}

/**
 * Without a worker: its microbatches go to the heirs, those with the fewest first; everyone else keeps what it has, and
 * may have computed. Throws where there is no heir.
 */
export function withoutWorker<Worker>(
  assignment: Assignment<Worker>,
  lost: Worker,
  heirs: readonly Worker[],
  leaves: number,
): Assignment<Worker> {
  const orphans = assignment.get(lost) ?? [];
  const shares = new Map([...assignment].filter(([worker]) => worker !== lost));
  return handedOver(shares, orphans, heirs, leaves);
}

/** With one subtree moved from whoever has it, or a part of it, to another worker. */
export function moved<Worker>(
  assignment: Assignment<Worker>,
  subtree: Subtree,
  to: Worker,
  leaves: number,
): Assignment<Worker> {
  const without = new Map(
    [...assignment].map(([worker, subtrees]) => [
      worker,
      subtrees.flatMap((own) => difference(own, subtree, leaves)),
    ]),
  );
  return withMore(without, to, [subtree], leaves);
}

/** Gives subtrees to the heirs in pieces as even as whole microbatches allow. */
export function handedOver<Worker>(
  assignment: Assignment<Worker>,
  subtrees: readonly Subtree[],
  heirs: readonly Worker[],
  leaves: number,
): Assignment<Worker> {
  if (heirs.length === 0) throw new Error('there is nobody to hand microbatches over to');
  let shares: Assignment<Worker> = assignment;
  for (const piece of subtrees.flatMap((subtree) => pieces(subtree, heirs.length, leaves))) {
    const load = (worker: Worker) => microbatchesOf(shares.get(worker) ?? [], leaves);
    const heir = heirs.reduce((least, worker) => (load(worker) < load(least) ? worker : least));
    shares = withMore(shares, heir, [piece], leaves);
  }
  return shares;
}

/** Microbatches in subtrees: at a tree's ragged edge a subtree has fewer than its count. */
export function microbatchesOf(subtrees: readonly Subtree[], leaves: number): number {
  return subtrees.reduce((sum, { first, count }) => sum + Math.min(count, leaves - first), 0);
}

/** A subtree halved until there are at least as many pieces as takers, or single microbatches. */
function pieces(subtree: Subtree, takers: number, leaves: number): Subtree[] {
  let size = subtree.count;
  while (size > 1 && subtree.count / size < takers) size /= 2;
  const end = Math.min(subtree.first + subtree.count, leaves);
  const parts: Subtree[] = [];
  for (let first = subtree.first; first < end; first += size) parts.push({ first, count: size });
  return parts;
}

/** What is left of a subtree without another. */
function difference(own: Subtree, taken: Subtree, leaves: number): Subtree[] {
  const end = Math.min(own.first + own.count, leaves);
  const from = Math.max(own.first, taken.first);
  const to = Math.min(end, taken.first + taken.count);
  if (from >= to) return [own];
  return [...alignedSubtrees(own.first, from), ...alignedSubtrees(to, end)];
}

/** With more subtrees for a worker, siblings joined: a worker sends one sum for them. */
function withMore<Worker>(
  assignment: Assignment<Worker>,
  worker: Worker,
  more: readonly Subtree[],
  leaves: number,
): Assignment<Worker> {
  const joined = joinSiblings([...(assignment.get(worker) ?? []), ...more], leaves);
  return new Map([...assignment, [worker, joined]]);
}
