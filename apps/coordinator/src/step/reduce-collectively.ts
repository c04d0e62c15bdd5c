import type { ServedCall } from '@captrain/exchange';
import type { Member, MemberEvent } from '../membership/member.js';
import type { ReduceHere } from './reduce-here.js';
import type { Attempt, Destination, Reduction } from './reduction.js';

/** Processes that sum among themselves, one of each worker. Its number is the generation that it began with. */
interface Group {
  readonly number: number;
  readonly members: readonly Member[];
  /** HOST:PORT of each one's process, once that is up. */
  readonly addresses: Map<Member, string>;
  isBroken: boolean;
}

/**
 * `--reduce collective`: workers sum by processes in groups of fixed membership, which know nothing of leases and plans. A
 * group lasts as long as all goes well: it makes the sums of one step after another. As soon as a member comes, goes or
 * fails, or a plan is given up in mid-sum, there is another group, of other processes. A sum of which they say different
 * things is made here instead, whatever it is rounded to.
 */
export class ReduceCollectively implements Reduction {
  readonly isCollective = true;
  readonly isByRange = false;
  private group: Group | undefined;
  private generation = 0;
  private step = 0;
  /** Who has yet to say that it has the sum which the group makes. */
  private awaitedOf = new Set<Member>();
  private mayBegin = false;

  constructor(private readonly here: ReduceHere) {}

  open({ generation, step, shares }: Attempt): Destination {
    this.here.close(`Processes beside the workers sum generation ${generation}.`);
    const members = [...shares.keys()];
    if (this.group === undefined || !this.isFit(this.group, members))
      this.group = { number: generation, members, addresses: new Map(), isBroken: false };
    [this.generation, this.step, this.mayBegin] = [generation, step, true];
    this.awaitedOf.clear();
    return { reducers: [], collectiveGroup: this.group.number };
  }

  /** Lets everyone sum, once all processes are up. Whoever is alone needs none. */
  computed(): void {
    const { group, generation, step } = this;
    if (group === undefined || !this.mayBegin || group.members.length === 1) return;
    const addresses = group.members.map((member) => group.addresses.get(member));
    if (!addresses.every((address) => address !== undefined)) return;
    this.mayBegin = false;
    this.awaitedOf = new Set(group.members);
    for (const [rank, member] of group.members.entries())
      member.send({ exchange: { generation, step, addresses, rank } });
  }

  /** What workers say of their processes, to be told of every event. */
  readonly observe = (event: MemberEvent): void => {
    if (event.type !== 'message' || this.group === undefined) return;
    const { member, message } = event;
    const { collectivePort, exchanged, exchangeFailed } = message;
    if (collectivePort?.group === this.group.number)
      this.group.addresses.set(member, addressOf(member, collectivePort.port));
    if (exchanged?.generation === this.generation) this.awaitedOf.delete(member);
    if (exchangeFailed?.generation === this.generation) this.group.isBroken = true;
  };

  awaited(): number[] {
    return this.here.awaited();
  }

  handle(call: ServedCall): void {
    this.here.handleIfOpen(call);
  }

  close(reason: string): void {
    this.mayBegin = false;
    this.here.close(reason);
  }

  /** Whether a group may make the sum of another plan: the same members, none of them in the middle of a sum. */
  private isFit({ members, isBroken }: Group, wanted: readonly Member[]): boolean {
    const isSame = members.length === wanted.length && wanted.every((member) => members.includes(member));
    return isSame && !isBroken && this.awaitedOf.size === 0;
  }
}

/** Its processes are reached where the worker is. */
function addressOf({ peerAddress }: Member, port: number): string {
  return `${peerAddress.slice(0, peerAddress.lastIndexOf(':'))}:${port}`;
}
