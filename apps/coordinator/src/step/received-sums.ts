import type { Member } from '../membership/member.js';
import type { Run } from '../run.js';
import type { Route } from './open-exchange.js';

/** Contradicted by so many, each on its own, a worker is at fault, whatever it says itself. */
const WORDS_UNTIL_GUILTY = 2;

/** One worker's word against another's. */
type Pair = readonly [server: Member, receiver: Member];

/**
 * The checksums of what everyone received from the workers that reduce, in one attempt. They are to be the same for all: a
 * reducer's own sum is what all others have from it.
 */
export class ReceivedSums {
  private routes: ReadonlyMap<Member, Route> = new Map();
  /** By the positions where their reducers' ranges begin. */
  private readonly said = new Map<Member, ReadonlyMap<number, number>>();

  constructor(private readonly run: Pick<Run, 'crew' | 'log'>) {}

  /** There is a new plan. */
  begin(routes: ReadonlyMap<Member, Route>): void {
    this.routes = routes;
    this.said.clear();
  }

  /** By the plan's reducers, in their order; nothing of who has no reducers in it. */
  note(member: Member, checksums: readonly number[]): void {
    const reducers = this.routes.get(member)?.reducers ?? [];
    const byRange = reducers.flatMap(({ first }, i) =>
      checksums[i] === undefined ? [] : [[first, checksums[i]] as const],
    );
    this.said.set(member, new Map(byRange));
  }

  /**
   * Whether workers have received different sums, or say so. Who is surely at fault then is fenced. Of two whose words are
   * against each other it is not known which is: the one that served the sum serves none any more.
   */
  differ(): boolean {
    if (!this.haveSaidDifferent()) return false;
    const pairs = this.contradictions();
    const guilty = guiltyOf(pairs);
    for (const [member, others] of guilty) this.run.crew.fence(member, sentenceOf(member, others));
    for (const [server, receiver] of pairs) {
      if (guilty.has(server) || guilty.has(receiver)) continue;
      server.isDistrusted = true;
      this.run.log.warn(
        { worker: server.name, by: receiver.name },
        'what one has added up is not what another says to have from it: others add up from now on',
      );
    }
    return true;
  }

  private haveSaidDifferent(): boolean {
    const word = new Map<number, number>();
    for (const byRange of this.said.values())
      for (const [first, checksum] of byRange) {
        if ((word.get(first) ?? checksum) !== checksum) return true;
        word.set(first, checksum);
      }
    return false;
  }

  private contradictions(): Pair[] {
    const byNumber = new Map([...this.routes.keys()].map((member) => [member.worker, member]));
    return [...this.routes].flatMap(([receiver, { reducers }]) =>
      reducers.flatMap(({ address, worker, first }): Pair[] => {
        const server = address === '' ? undefined : byNumber.get(worker);
        if (server === undefined) return [];
        const [own, received] = [server, receiver].map((member) => this.said.get(member)?.get(first));
        return own === undefined || received === undefined || own === received ? [] : [[server, receiver]];
      }),
    );
  }
}

/** Workers that several contradict, and who these are. */
export function guiltyOf<Worker>(
  pairs: readonly (readonly [server: Worker, receiver: Worker])[],
): Map<Worker, Set<Worker>> {
  const against = new Map<Worker, Set<Worker>>();
  const note = (one: Worker, other: Worker) =>
    against.set(one, (against.get(one) ?? new Set<Worker>()).add(other));
  for (const [server, receiver] of pairs) {
    note(server, receiver);
    note(receiver, server);
  }
  return new Map([...against].filter(([, others]) => others.size >= WORDS_UNTIL_GUILTY));
}

function sentenceOf({ name }: Member, others: ReadonlySet<Member>): string {
  const names = [...others].map((other) => other.name).join(' and ');
  return `${name} is fenced: what it served of the global sum, or says to have been served, is not what ${names} say.`;
}
