import type { CoordinatorMessage__Output, Subtree } from '@captrain/protos';

/**
 * Whether a leaf of a step and cut is to be computed now, after all that the coordinator has said since: a newer plan may
 * lease it to another worker, or cut the step anew; and a coordinator that is back is answered first, for what has been
 * computed is kept.
 */
export function stillNeeded(
  said: readonly CoordinatorMessage__Output[],
  { step, cut, leaf }: { step: number; cut: number; leaf: number },
): boolean {
  let leased: readonly Subtree[] | undefined;
  for (const { welcome, plan, compute, fetch, stop } of said) {
    if (welcome || stop || fetch) return false;
    if (plan && (plan.step !== step || plan.microbatches !== cut)) return false;
    if (plan) leased = plan.subtrees;
    if (compute && leased) leased = [...leased, ...compute.subtrees];
  }
  const contains = ({ first, count }: Subtree) => leaf >= first && leaf < first + count;
  return leased === undefined || leased.some(contains);
}

/** Whether what was asked for between two steps is of no use any more, after all that the coordinator has said since. */
export function isOver(said: readonly CoordinatorMessage__Output[]): boolean {
  return said.some(({ welcome, plan, fetch, stop }) => welcome || plan || fetch || stop);
}
