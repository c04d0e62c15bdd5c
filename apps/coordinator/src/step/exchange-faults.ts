import type { ExchangeFailed } from '@captrain/protos';
import type { Member } from '../membership/member.js';
import type { Run } from '../run.js';
import type { Route } from './open-exchange.js';
import type { Suspicions } from './suspicions.js';

/** Until an exchange that broke off is begun anew; by then it is known whether somebody is lost. */
const RETRY_MS = 300;

/** Collective sums that fail one after another, and nobody is lost, until there is no hope for the next one. */
const FAILURES_UNTIL_HOPELESS = 5;

/** What goes wrong with the exchanges of one step, and when they are to be begun anew. */
export class ExchangeFaults {
  private routes: ReadonlyMap<Member, Route> = new Map();
  /** Who answers its neighbours, but has memory that one of them cannot read. */
  private readonly unreadable = new Map<Member, string>();
  private retryAt: number | undefined;
  private failures = 0;
  private reason = '';

  constructor(
    private readonly run: Pick<Run, 'crew' | 'groups' | 'reduction' | 'log'>,
    private readonly suspicions: Suspicions,
  ) {}

  /** There is a new plan. */
  begin(routes: ReadonlyMap<Member, Route>): void {
    this.routes = routes;
    this.retryAt = undefined;
  }

  /** Somebody is lost, which may have been the reason. */
  lost(): void {
    this.failures = 0;
  }

  /** A worker says that its exchange has failed. */
  note(member: Member, { reason, reducer, neighbour }: ExchangeFailed): void {
    const { crew, log, reduction } = this.run;
    log.warn({ worker: member.name, reason }, 'exchange broken off');
    if (reduction.isCollective) return this.noteOfAll(`${member.name}: ${reason}`);
    const place = this.routes.get(member)?.reducers[reducer];
    const called = neighbour ?? (place?.address ? place : undefined);
    const calledMember = called && crew.memberOf(called.worker);
    const isUnreadable = neighbour?.unreadable === true;
    if (isUnreadable && calledMember) this.unreadable.set(calledMember, reason);
    const guilty = isUnreadable ? undefined : this.suspicions.unreachable(member, calledMember);
    if (guilty !== undefined) crew.lose(guilty, `others cannot exchange with it: ${reason}`);
    else this.retryLater();
  }

  /** Whether an exchange that broke off is to be begun anew now. */
  get isRetryDue(): boolean {
    return this.retryAt !== undefined && performance.now() > this.retryAt;
  }

  /** Why there is no hope that the next attempt does better, where that is so. */
  get hopeless(): string | undefined {
    return this.failures < FAILURES_UNTIL_HOPELESS ? undefined : this.reason;
  }

  /** Whoever's memory could not be read, and is still there, is not asked to share it any more. */
  separateUnreadable(): void {
    // Of one that has ended nothing can be read either; that says nothing of its host.
    for (const [member, reason] of this.unreadable)
      if (member.alive) this.run.groups.separate(member, reason);
    this.unreadable.clear();
  }

  /** One process that fails makes all others' sums fail. */
  private noteOfAll(reason: string): void {
    if (this.retryAt !== undefined) return;
    this.failures++;
    this.reason = reason;
    this.retryLater();
  }

  private retryLater(): void {
    this.retryAt ??= performance.now() + RETRY_MS;
  }
}
