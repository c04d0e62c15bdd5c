import { joinSiblings } from '@captrain/exchange';
import type { Member } from '../membership/member.js';
import type { Assignment } from './assignment.js';
import { type GradientRange, evenRanges } from './even-ranges.js';
import type { Group } from './local-groups.js';

/** One worker of each group: they exchange a range of the gradient with the reducers, each the sum of its group. */
export interface Column {
  readonly range: GradientRange;
  /** What each of them contributes: all that its group does, siblings joined. */
  readonly shares: Assignment<Member>;
}

/**
 * Where the reducers take ranges, there are as many columns as the smallest group has members, so that these have a part
 * of the calls each; otherwise the first ones of all groups exchange everything.
 */
export function columnsOf(
  groups: readonly Group[],
  shares: Assignment<Member>,
  { leaves, total, isByRange }: { leaves: number; total: number; isByRange: boolean },
): Column[] {
  const joined = groups.map((group) =>
    group.length === 1
      ? shares.get(group[0]!)!
      : joinSiblings(
          group.flatMap((member) => shares.get(member)!),
          leaves,
        ),
  );
  const count = isByRange ? Math.min(...groups.map(({ length }) => length)) : 1;
  return evenRanges({ first: 0, end: total }, count).map((range, column) => ({
    range,
    shares: new Map(groups.map((group, i) => [group[column]!, joined[i]!])),
  }));
}
