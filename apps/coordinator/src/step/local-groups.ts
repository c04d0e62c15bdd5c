import type { Neighbour } from '@captrain/protos';
import type { Logger } from '@captrain/runtime';
import type { Member } from '../membership/member.js';
import type { Assignment } from './assignment.js';
import type { GradientRange } from './even-ranges.js';

/** Workers of one host; the first ones speak for all with the reducers. */
export type Group = readonly Member[];

/** How workers of one host go together, where local aggregation is wanted. */
export class LocalGroups {
  /** Hosts whose workers cannot read each other's memory. */
  private readonly apart = new Set<string>();
  private told = '';

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

  /** Tells people how many workers each group has, and how many of each exchange with reducers, where that has changed. */
  tell(groups: readonly Group[], speakers: number): void {
    const sizes = groups.map(({ length }) => length);
    const telling = `${sizes.join()}, ${speakers}`;
    if (telling === this.told || (this.told === '' && Math.max(...sizes) === 1)) return;
    this.told = telling;
    this.log.info({ workersByHost: sizes, speakers }, 'workers of a host add up before the network is used');
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

/**
 * What a plan says of a group to its members: who provides which range of the global sum, in their order; the others, none.
 * Where the group is everyone, these ranges cross no network.
 */
export function neighboursOf(
  group: Group,
  shares: Assignment<Member>,
  ranges: readonly GradientRange[],
): Neighbour[] {
  if (group.length === 1) return [];
  return group.map((member, i) => ({
    worker: member.worker,
    process: member.hello.process,
    address: member.peerAddress,
    subtrees: [...shares.get(member)!],
    ...(ranges[i] ?? { first: 0, end: 0 }),
  }));
}
