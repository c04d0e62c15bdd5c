import type { Plan } from '@captrain/protos';
import type { Member } from '../membership/member.js';
import { columnsOf } from './columns.js';
import { evenRanges } from './even-ranges.js';
import { type LocalGroups, neighboursOf } from './local-groups.js';
import type { ReduceHere } from './reduce-here.js';
import type { Attempt, Reduction } from './reduction.js';

/** What a plan says to a worker about the exchange. */
export type Route = Pick<Plan, 'reducers' | 'contributions' | 'neighbours' | 'collectiveGroup'>;

/** Of a worker that sends nothing to reducers. */
const INWARD = { reducers: [], contributions: [], collectiveGroup: 0 };

/**
 * Makes ready for an attempt, ending the one before, and says how each worker is to exchange. One that is watched is added
 * up by this process, of everyone's own sums.
 */
export function openExchange(
  { reduction, groups, here }: { reduction: Reduction; groups: LocalGroups; here: ReduceHere },
  attempt: Attempt,
  { isWatched }: { isWatched: boolean },
): ReadonlyMap<Member, Route> {
  const { leaves, total, shares } = attempt;
  const members = [...shares.keys()];
  const whole = { first: 0, end: total };
  if (isWatched) {
    reduction.close('What is in doubt is added up by the coordinator.');
    const alone = { ...here.open(attempt, whole), contributions: [], neighbours: [] };
    return new Map(members.map((member) => [member, alone]));
  }
  const grouped = groups.of(members);
  if (grouped.length === 1 && members.length > 1) {
    reduction.close('The workers add up among themselves now.');
    groups.tell(grouped, 0);
    const neighbours = neighboursOf(grouped[0]!, shares, evenRanges(whole, members.length));
    return new Map(members.map((member) => [member, { ...INWARD, neighbours }]));
  }
  // One that is not trusted adds nothing up, and in a column of its own kind there would be nobody else.
  const isByRange = reduction.isByRange && members.every(({ isDistrusted }) => !isDistrusted);
  const columns = columnsOf(grouped, shares, { leaves, total, isByRange });
  const outward = columns.map(({ range, shares: shared }) => ({
    ...reduction.open({ ...attempt, shares: shared }, range),
    contributions: [...shared].map(([{ worker }, subtrees]) => ({ worker, subtrees: [...subtrees] })),
  }));
  groups.tell(grouped, columns.length);
  const ranges = columns.map(({ range }) => range);
  return new Map(
    grouped.flatMap((group) => {
      const neighbours = neighboursOf(group, shares, ranges);
      return group.map((member, i) => [member, { ...(outward[i] ?? INWARD), neighbours }]);
    }),
  );
}
