import { joinSiblings } from '@captrain/exchange';
import type { Neighbour } from '@captrain/protos';
import type { Logger } from '@captrain/runtime';
import type { Member } from '../membership/member.js';
import type { Assignment } from './assignment.js';
import { evenRanges } from './even-ranges.js';

/** Workers of one host, the one first that speaks for all with the reducers. */
type Group = readonly Member[];

/** How workers of one host go together, where local aggregation is wanted. */
export class LocalGroups {
  /** Hosts whose workers cannot read each other's memory. */
  private readonly apart = new Set<string>();

  constructor(
    private readonly isWanted: boolean,
    private readonly log: Logger,
  ) {}

  /** The groups of these workers; alone in one: whoever has no neighbour. */
  of(members: Iterable<Member>): Group[] {
    const groups = new Map<unknown, Member[]>();
    for (const member of members) {
      const { host } = member.hello;
      const key = this.isWanted && host !== '' && !this.apart.has(host) ? host : member;
      groups.set(key, [...(groups.get(key) ?? []), member]);
    }
    return [...groups.values()];
  }

  /** A worker cannot read the memory of another: those of its host go alone for the rest of the run. */
  separate({ hello, name }: Member, reason: string): void {
    if (!this.apart.has(hello.host))
      this.log.warn(
        { worker: name, reason },
        'no shared memory: workers of its host exchange over the network',
      );
    this.apart.add(hello.host);
  }
}

/** What a group contributes, as its first member's: all that its members do, siblings joined. */
export function outwardShares(
  groups: readonly Group[],
  shares: Assignment<Member>,
  leaves: number,
): Assignment<Member> {
  return new Map(
    groups.map((group) => [
      group[0]!,
      group.length === 1
        ? shares.get(group[0]!)!
        : joinSiblings(
            group.flatMap((member) => shares.get(member)!),
            leaves,
          ),
    ]),
  );
}

/**
 * What a plan says of a group to its members. Where the group is everyone, each provides an even part of the global sum,
 * which crosses no network; else its first member provides all, by way of the reducers.
 */
export function neighboursOf(
  group: Group,
  shares: Assignment<Member>,
  { total, isEveryone }: { total: number; isEveryone: boolean },
): Neighbour[] {
  if (group.length === 1) return [];
  const ranges = evenRanges(total, group.length);
  return group.map((member, i) => ({
    worker: member.worker,
    process: member.hello.process,
    address: member.peerAddress,
    subtrees: [...shares.get(member)!],
    ...(isEveryone ? ranges[i]! : { first: 0, end: i === 0 ? total : 0 }),
  }));
}
