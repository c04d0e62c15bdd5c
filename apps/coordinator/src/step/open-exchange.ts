import type { Plan } from '@captrain/protos';
import type { Member } from '../membership/member.js';
import { type LocalGroups, neighboursOf, outwardShares } from './local-groups.js';
import type { ReduceHere } from './reduce-here.js';
import type { Attempt, Reduction } from './reduction.js';

/** What a plan says to a worker about the exchange. */
export type Route = Pick<Plan, 'reducers' | 'contributions' | 'neighbours' | 'collectiveGroup'>;

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
  if (isWatched) {
    reduction.close('What is in doubt is added up by the coordinator.');
    const alone = { ...here.open(attempt), contributions: [], neighbours: [] };
    return new Map([...shares.keys()].map((member) => [member, alone]));
  }
  const grouped = groups.of(shares.keys());
  const outward = outwardShares(grouped, shares, leaves);
  const isEveryone = grouped.length === 1 && shares.size > 1;
  if (isEveryone) reduction.close('The workers add up among themselves now.');
  const { reducers, collectiveGroup } = isEveryone
    ? { reducers: [], collectiveGroup: 0 }
    : reduction.open({ ...attempt, shares: outward });
  const contributions = [...outward].map(([{ worker }, subtrees]) => ({ worker, subtrees: [...subtrees] }));
  return new Map(
    grouped.flatMap((group) => {
      const neighbours = neighboursOf(group, shares, { total, isEveryone });
      return group.map((member, i) => [
        member,
        { reducers: i === 0 ? reducers : [], contributions, neighbours, collectiveGroup },
      ]);
    }),
  );
}
