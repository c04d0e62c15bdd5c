import type { CoordinatorMessage } from '@captrain/protos';
import { type Logger, UserError } from '@captrain/runtime';
import { Leases } from './leases.js';
import { Mailbox } from './mailbox.js';
import type { Member, MemberEvent } from './member.js';

/** Generations of one leader: its term comes before them, so that a successor's are always higher. */
const GENERATIONS_PER_TERM = 2 ** 20;

/** Refusals after which a worker is not let in again. */
const REFUSALS_UNTIL_FENCED = 3;

/** Sees every event before the training loop does. */
export type Observer = (event: MemberEvent) => void;

/** The run's workers: who is in, under which generation, and the one place where their events are read. */
export class Crew {
  private members: Member[] = [];
  private joined = 0;
  private readonly events = new Mailbox<MemberEvent>();
  private readonly observers = new Set<Observer>();
  private readonly fenced = new Set<string>();
  private readonly leases: Leases;
  private current: number;
  private fault: { readonly error: unknown } | undefined;
  private isOver = false;

  constructor(
    private readonly options: {
      /** Of the leader, and part of every generation. */
      term: number;
      leaseSeconds: number;
      changed: () => void;
      log: Logger;
    },
  ) {
    this.current = options.term * GENERATIONS_PER_TERM;
    this.leases = new Leases(options.leaseSeconds, {
      living: () => this.living,
      expire: (member) => this.lose(member, `nothing was heard of it for ${options.leaseSeconds} s`),
      beat: () => this.broadcast({ heartbeat: { generation: this.current } }),
    });
  }

  /** The present generation. */
  get generation(): number {
    return this.current;
  }

  /** Membership or cut have changed: what was sent before is stale. */
  nextGeneration(): number {
    return ++this.current;
  }

  /** All that may be shown: the living, and those lost since the last `forgetLost`. */
  get all(): readonly Member[] {
    return this.members;
  }

  get living(): Member[] {
    return this.members.filter((member) => member.alive);
  }

  /** The living that take part in steps. */
  get active(): Member[] {
    return this.members.filter((member) => member.alive && member.active);
  }

  /** The living that have loaded and wait for the next boundary. */
  get waiting(): Member[] {
    return this.members.filter((member) => member.alive && !member.active && member.ready !== undefined);
  }

  memberOf(worker: number): Member | undefined {
    return this.living.find((member) => member.worker === worker);
  }

  /** Takes a worker in, or says why not. A worker that comes again takes its own place. */
  admit(makeMember: (worker: number) => Member): Member | { refused: string } {
    const member = makeMember(this.joined++);
    const { name, host, process } = member.hello;
    if (this.fenced.has(`${name} ${host} ${process}`))
      return { refused: `${name} is fenced: too much of what it sent was refused.` };
    const namesake = this.living.find((other) => other.name === name);
    if (namesake !== undefined) {
      const isSame = namesake.hello.host === host && namesake.hello.process === process;
      if (!isSame && !this.leases.isDoubtful(namesake))
        return { refused: `A worker called ${name} is in the run already; give this one another --name.` };
      this.lose(namesake, isSame ? 'it has come again' : 'another worker of its name has come');
    }
    this.members = [...this.living, member];
    this.options.changed();
    return member;
  }

  /** A worker has said something. */
  hear(member: Member): void {
    member.heardAt = performance.now();
  }

  post(event: MemberEvent): void {
    this.events.post(event);
  }

  /** The worker is no member any more; the loop hears of it by an event. */
  lose(member: Member, reason: string): void {
    // Those who are told that the run is over end their connections, and are not lost.
    if (!member.alive || this.isOver) return;
    member.stop(reason, { final: false });
    member.state = 'WORKER_STATE_LOST';
    member.reason = reason;
    member.active = false;
    this.options.log.warn({ worker: member.name, reason }, 'worker lost');
    this.events.post({ type: 'lost', member, reason });
    this.options.changed();
  }

  /** The run cannot go on: whoever waits for the next event gets this error. */
  end(error: unknown): void {
    this.fault ??= { error };
    this.events.post({ type: 'ended' });
  }

  /** Lets a worker go for good. */
  release(member: Member, reason: string): void {
    member.stop(reason, { final: true });
    this.lose(member, reason);
  }

  /** Sends a worker away for what it holds. */
  dismiss(member: Member, reason: string): void {
    member.stop(reason, { final: true, fault: true });
    this.lose(member, reason);
  }

  /** Sends a worker away that is not let in again. */
  fence(member: Member, reason: string): void {
    const { name, host, process } = member.hello;
    this.fenced.add(`${name} ${host} ${process}`);
    this.dismiss(member, reason);
  }

  /** Something that the worker sent was refused: it is told, and fenced when that happens too often. */
  refuse(member: Member, reason: string): void {
    member.refusals++;
    member.send({ refused: { reason } });
    this.options.log.warn({ worker: member.name, reason, refusals: member.refusals }, 'refused');
    if (member.refusals < REFUSALS_UNTIL_FENCED) return;
    this.fence(member, `${member.name} is fenced after ${member.refusals} refusals, the last one: ${reason}`);
  }

  observe(observer: Observer): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  /**
   * The next event; undefined once `signal` is aborted or the time is over. Throws what a worker failed of, if the user
   * can mend it and no other worker trains.
   */
  async next(wait: { signal?: AbortSignal; milliseconds?: number } = {}): Promise<MemberEvent | undefined> {
    const event = await this.events.next(wait);
    if (this.fault !== undefined) throw this.fault.error;
    if (event === undefined) return undefined;
    if (event.type === 'message') this.note(event.member, event);
    for (const observer of this.observers) observer(event);
    return event;
  }

  private note(member: Member, { message }: Extract<MemberEvent, { type: 'message' }>): void {
    const { ready, holding, drain, failed, fitting, stateMissed } = message;
    if (ready) {
      member.ready = ready;
      member.holding = ready.holding ?? undefined;
      member.state = 'WORKER_STATE_READY';
    }
    if (holding) member.holding = holding;
    if (ready || holding) member.loads = '';
    if (stateMissed) {
      const { checkpoint, reason } = stateMissed;
      [member.missed, member.reason] = [checkpoint, reason];
      this.options.log.warn({ worker: member.name, reason }, 'a state could not be taken over');
    }
    if (drain) member.isLeaving = true;
    if (ready || drain || fitting || stateMissed) this.options.changed();
    if (!failed) return;
    // What is wrong with one of several stops nobody; what is wrong with the data is found by the last one, too.
    const othersTrain = this.active.some((other) => other !== member);
    if (failed.userError && !othersTrain) throw new UserError(failed.message);
    if (this.living.length === 1) throw new Error(`Worker ${member.name} failed: ${failed.message}`);
    this.lose(member, failed.message);
  }

  broadcast(message: CoordinatorMessage): void {
    for (const member of this.living) member.send(message);
  }

  /** The run is over for all. */
  stop(reason: string): void {
    this.isOver = true;
    this.leases.close();
    for (const member of this.living) member.stop(reason, { final: true });
  }
}
