import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConflictError, type ObjectStore } from '@captrain/data/store';
import { latestTerm } from '@captrain/model/run';
import { UserError, messageOf, thisProcess } from '@captrain/runtime';
import {
  LEADER,
  type FoundLeader,
  type LeaderRecord,
  describe,
  isOver,
  readLeader,
} from './leader-record.js';

/** A timer that is so late did not run when it was due. */
const STOOD_STILL_MS = 10;

export interface LeaseOptions {
  /** HOST:PORT on which this coordinator serves. */
  readonly address: string;
  /** A leader that did not renew its lease for so long may be replaced. */
  readonly leaseSeconds: number;
  /**
   * How long this one goes on without reaching the store; leaseSeconds unless given. While it cannot, another may have
   * taken the lead: then nothing that this one writes under a condition takes effect, and its next renewal tells it.
   */
  readonly patienceSeconds?: number;
  /** Ends the waiting for the lead. */
  readonly signal: AbortSignal;
  readonly say: (sentence: string) => void;
}

/**
 * The lead of a run: at most one coordinator at a time has it, whatever their clocks say. It is the object LEADER in the
 * run's folder, which is written on condition only and renewed three times in a lease. A newcomer takes over from a leader
 * that gave it up or whose process has ended on this machine at once, and otherwise once the object did not change
 * for a lease by the newcomer's own clock.
 */
export class LeaderLease {
  readonly #lost = new AbortController();
  readonly #closing = new AbortController();
  readonly #renewing: Promise<void>;
  #expiry: NodeJS.Timeout | undefined;
  /** Why the last renewal failed. */
  #fault: unknown = new Error('the renewal takes too long');

  private constructor(
    private readonly run: ObjectStore,
    private readonly patienceSeconds: number,
    private leader: FoundLeader,
    taken: number,
  ) {
    this.#confirm(taken);
    this.#renewing = this.#keepRenewing();
  }

  /** Takes the lead. Throws a UserError, which names the leader, where one shows that it lives. */
  static async acquire(run: ObjectStore, options: LeaseOptions): Promise<LeaderLease> {
    const { address, leaseSeconds, patienceSeconds = leaseSeconds, signal } = options;
    const own = { id: randomUUID(), address, ...thisProcess(), leaseSeconds, renewals: 0, free: false };
    for (;;) {
      signal.throwIfAborted();
      const before = await readLeader(run);
      if (before !== undefined && !(await isGone(run, before, options))) continue;
      const condition = before === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: before.etag };
      // A lease that somebody deleted had a term, too.
      const last = before?.record.term ?? (await latestTerm(run));
      const record = { ...own, term: last + 1, renewedAt: new Date().toISOString() };
      const taken = performance.now();
      try {
        const { etag } = await run.put(LEADER, bytesOf(record), condition);
        return new LeaderLease(run, patienceSeconds, { record, etag }, taken);
      } catch (error) {
        // Another newcomer was quicker.
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  /** One higher than the last leader's. */
  get term(): number {
    return this.leader.record.term;
  }

  /** Whether the run's folder still names this coordinator: asked of the store, now. */
  async isHeld(): Promise<boolean> {
    return (await readLeader(this.run))?.record.id === this.leader.record.id;
  }

  /**
   * Aborted once this coordinator leads no longer; its reason is a UserError that says who does, or what happened. Where
   * that was the store's doing, its cause is what the store said.
   */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Gives the lead up, so that a successor need not wait. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    clearTimeout(this.#expiry);
    const giveUp = async () => {
      await this.#renewing;
      if (!this.lost.aborted) await this.#write({ free: true });
    };
    // A store that does not answer need not be waited for: the lease runs out by itself.
    const end = sleep(this.leader.record.leaseSeconds * 1000, undefined, { ref: false });
    await Promise.race([giveUp().catch(() => undefined), end]);
  }

  async #keepRenewing(): Promise<void> {
    const everyMs = (this.leader.record.leaseSeconds * 1000) / 3;
    const signal = AbortSignal.any([this.#closing.signal, this.lost]);
    for (let due = performance.now() + everyMs; ; due = Math.max(due + everyMs, performance.now())) {
      await sleep(due - performance.now(), undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#renew();
      } catch (error) {
        // The next renewal may succeed; if none does, the lease is over.
        this.#fault = error;
      }
    }
  }

  async #renew(): Promise<void> {
    const sent = performance.now();
    try {
      await this.#write({ free: false });
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const found = await readLeader(this.run);
      if (found?.record.id !== this.leader.record.id) return this.#lose(replaced(this.run, found));
      // A renewal of ours has taken effect though its answer was lost; it may be old, so it counts for nothing.
      this.leader = found;
      return this.#renew();
    }
    this.#confirm(sent);
  }

  async #write({ free }: { free: boolean }): Promise<void> {
    const { record, etag } = this.leader;
    const next = { ...record, free, renewals: record.renewals + 1, renewedAt: new Date().toISOString() };
    this.leader = { record: next, ...(await this.run.put(LEADER, bytesOf(next), { ifMatch: etag })) };
  }

  /** The lease holds from `since` on, when its renewal was sent: that is earlier than anyone can have seen it. */
  #confirm(since: number): void {
    this.#expireAt(since + this.patienceSeconds * 1000);
  }

  #expireAt(due: number): void {
    clearTimeout(this.#expiry);
    if (this.#closing.signal.aborted) return;
    this.#expiry = setTimeout(() => this.#expire(due), due - performance.now()).unref();
  }

  #expire(due: number): void {
    // A process that stood still has not tried. If nobody took the lead meanwhile, a renewal still succeeds.
    const stoodStill = performance.now() - due > STOOD_STILL_MS;
    if (stoodStill) return this.#expireAt(performance.now() + (this.leader.record.leaseSeconds * 1000) / 3);
    this.#lose(
      new UserError(
        `This coordinator could not renew its lead of the run in ${this.run.uri} for ${this.patienceSeconds} s ` +
          `(${messageOf(this.#fault)}), so another may lead by now; go on with the run by --resume.`,
        { cause: this.#fault },
      ),
    );
  }

  #lose(reason: UserError): void {
    clearTimeout(this.#expiry);
    this.#lost.abort(reason);
  }
}

/**
 * Waits until a leader is gone; false where another has taken its place and is gone as well. Throws a UserError where one
 * shows that it lives.
 */
async function isGone(
  run: ObjectStore,
  { record, etag }: FoundLeader,
  { leaseSeconds, signal, say }: LeaseOptions,
): Promise<boolean> {
  if (isOver(record)) return true;
  const silenceMs = Math.max(leaseSeconds, record.leaseSeconds) * 1000;
  const since = performance.now();
  say(
    `${describe(record)} has led the run in ${run.uri}; waiting for a sign of life for ${silenceMs / 1000} s`,
  );
  for (;;) {
    await sleep(Math.min(silenceMs / 12, 500), undefined, { signal });
    const asked = performance.now();
    const now = await readLeader(run);
    if (now === undefined || (now.etag !== etag && isOver(now.record))) return false;
    if (now.etag !== etag) throw ledBy(run, now.record);
    if (asked - since >= silenceMs || isOver(record)) return true;
  }
}

function ledBy(run: ObjectStore, record: LeaderRecord): UserError {
  return new UserError(
    `The run in ${run.uri} is led by ${describe(record)}; stop that one first, or name another run.`,
  );
}

function replaced(run: ObjectStore, found: FoundLeader | undefined): UserError {
  if (found === undefined)
    return new UserError(
      `${run.uri}/${LEADER} was deleted while the run was led; go on with it by --resume.`,
    );
  return new UserError(
    `The run in ${run.uri} is led by ${describe(found.record)} by now; this coordinator leads it no longer.`,
  );
}

function bytesOf(record: LeaderRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
}
