import type { CoordinatorMessage } from '@captrain/protos';
import { UserError } from '@captrain/runtime';
import type { Mailbox } from './mailbox.js';
import type { Member, MemberEvent } from './member.js';

/** The run's workers, and the one place where their events are read. */
export class Crew {
  private members: Member[] = [];
  private joined = 0;
  private complete = false;

  constructor(
    private readonly expected: number,
    private readonly events: Mailbox<MemberEvent>,
    private readonly changed: () => void,
  ) {}

  get all(): readonly Member[] {
    return this.members;
  }

  get alive(): Member[] {
    return this.members.filter((member) => member.alive);
  }

  /** Takes a worker in, or says why not. */
  admit(
    makeMember: (worker: number) => Member,
    welcome: (worker: number) => CoordinatorMessage,
  ): string | undefined {
    if (this.complete) return 'The run has all its workers; start the next run with a larger --workers.';
    const member = makeMember(this.joined++);
    this.members.push(member);
    member.send(welcome(member.worker));
    this.complete = this.alive.length >= this.expected;
    this.changed();
    return undefined;
  }

  /** Waits until the expected number of workers are ready, all holding the same replica and data. Undefined: aborted. */
  async assemble(dataDigest: string, signal: AbortSignal): Promise<readonly Member[] | undefined> {
    while (this.alive.length < this.expected || this.alive.some(({ ready }) => ready === undefined)) {
      const event = await this.next(signal);
      if (event === undefined) return undefined;
      if (event.type === 'lost') {
        this.members = this.alive;
        this.complete = false;
      } else if (event.message.ready) {
        event.member.ready = event.message.ready;
        event.member.state = 'WORKER_STATE_READY';
      }
      this.changed();
    }
    const [first] = this.alive;
    for (const member of this.alive) {
      if (member.ready!.dataDigest !== dataDigest) {
        throw new UserError(
          `Worker ${member.name} reads other data than the coordinator; give both the same store.`,
        );
      }
      if (member.ready!.layoutDigest !== first!.ready!.layoutDigest) {
        throw new UserError(
          `Workers ${first!.name} and ${member.name} built different models; give both the same model files.`,
        );
      }
    }
    this.compareReplicas(new Map(this.alive.map((member) => [member, member.ready!.replicaDigest])), 0);
    return this.alive;
  }

  /** The next event; throws what a worker failed of. Undefined once `signal` is aborted and nothing is left. */
  async next(signal?: AbortSignal): Promise<MemberEvent | undefined> {
    const event = await this.events.next(signal);
    if (event?.type === 'message' && event.message.failed) {
      const { message, userError } = event.message.failed;
      throw userError ? new UserError(message) : new Error(`Worker ${event.member.name} failed: ${message}`);
    }
    return event;
  }

  /** Throws where replicas differ, naming the worker that stands alone against most. */
  compareReplicas(digests: ReadonlyMap<Member, string>, step: number): void {
    const distinct = [...new Set(digests.values())];
    if (distinct.length <= 1) return;
    const holders = distinct.map((digest) => [...digests].filter(([, other]) => other === digest));
    const fewest = holders.toSorted((a, b) => a.length - b.length)[0]!;
    const names = fewest.map(([member]) => member.name).join(', ');
    throw new Error(
      `After step ${step} the replica of ${names} differs from the others'; its machine's memory or libraries are suspect.`,
    );
  }

  broadcast(message: CoordinatorMessage): void {
    for (const member of this.alive) member.send(message);
  }

  stop(reason: string): void {
    this.complete = true;
    for (const member of this.alive) member.stop(reason);
  }
}
