import { type Range, microbatchRanges } from '@captrain/data/order';
import type { Validation, ValidationChoice } from '@captrain/model/run';
import type { Validated } from '@captrain/protos';
import { faultPoint } from '@captrain/runtime';
import type { Member, MemberEvent } from '../membership/member.js';
import type { Run } from '../run.js';

/** Microbatches that a worker has at a time: while it computes one, it has heard of the next. */
const AT_ONCE = 2;

/** How long the loop waits for an event before it looks for late workers. */
const TICK_MS = 250;

/** Nobody is late before this. */
const LEAST_PATIENCE_MS = 1000;

/** How a validation ended. */
export type ValidationEnd =
  | { readonly kind: 'validated'; readonly validation: Validation }
  /** A microbatch did not fit into this worker's memory. */
  | { readonly kind: 'outOfMemory'; readonly member: Member }
  /** Replicas differ: what they compute is worth nothing. */
  | { readonly kind: 'astray' }
  /** No active worker is left. */
  | { readonly kind: 'deserted' };

/**
 * One validation of the state that the active workers hold. Its microbatches go to whoever has time for them; a lost worker's
 * go to others, a late one's as well. What each yields does not depend on who computes it, and they are added up in their
 * order, in double precision: so the loss has the same bits whatever happens.
 */
export class ValidationRun {
  private readonly ranges: readonly Range[];
  private readonly results = new Map<number, Validated>();
  /** Numbers of microbatches that nobody has been given. */
  private readonly open: number[];
  /** What each worker was given and has not reported, and when. */
  private readonly leases = new Map<Member, Map<number, number>>();
  /** Milliseconds from giving to report, of all that have been reported. */
  private waited = 0;
  private reports = 0;
  private readonly generation: number;
  private end: ValidationEnd | undefined;

  constructor(
    private readonly run: Pick<Run, 'crew' | 'replicas' | 'board' | 'stragglerFactor'>,
    private readonly step: number,
    private readonly choice: ValidationChoice,
    /** Captions of a microbatch. */
    size: number,
  ) {
    this.ranges = microbatchRanges({ start: 0, end: choice.captions }, size);
    this.open = [...this.ranges.keys()];
    this.generation = run.crew.nextGeneration();
  }

  async toEnd(): Promise<ValidationEnd> {
    const { crew, replicas, board } = this.run;
    for (const member of crew.active) this.leases.set(member, new Map());
    this.handOut();
    while (this.end === undefined) {
      if (replicas.isAstray) this.end = { kind: 'astray' };
      else if (crew.active.length === 0) this.end = { kind: 'deserted' };
      else {
        const event = await crew.next({ milliseconds: TICK_MS });
        if (event !== undefined) this.handle(event);
        else this.helpLatecomers();
        board.changed();
      }
    }
    for (const member of this.leases.keys()) if (member.alive) member.state = 'WORKER_STATE_WAITING';
    return this.end;
  }

  private handle(event: MemberEvent): void {
    if (event.type === 'lost') this.lose(event.member);
    else if (event.type === 'message') {
      const { validated, outOfMemory } = event.message;
      // What belongs to another generation changes nothing.
      if ((validated ?? outOfMemory)?.generation !== this.generation) return;
      if (validated) this.note(event.member, validated);
      else this.end = { kind: 'outOfMemory', member: event.member };
    }
    this.handOut();
    if (this.results.size === this.ranges.length) this.end ??= { kind: 'validated', validation: this.sum() };
  }

  private note(member: Member, validated: Validated): void {
    const { crew } = this.run;
    const microbatch = this.ranges.findIndex(({ start }) => start === validated.first);
    const givenAt = this.leases.get(member)?.get(microbatch);
    if (givenAt === undefined)
      return crew.refuse(member, `It validated captions from ${validated.first} on, which it was not given.`);
    this.leases.get(member)!.delete(microbatch);
    if (validated.captionTokens === 0) {
      this.takeBack(microbatch);
      return crew.refuse(member, `It found no words in the captions from ${validated.first} on.`);
    }
    this.waited += performance.now() - givenAt;
    this.reports++;
    // One that comes again, from another worker, is the same.
    this.results.set(microbatch, validated);
    faultPoint('validating', this.step);
  }

  private lose(member: Member): void {
    const lease = this.leases.get(member);
    this.leases.delete(member);
    for (const microbatch of lease?.keys() ?? []) this.takeBack(microbatch);
  }

  /** A worker will not compute what it was given. */
  private takeBack(microbatch: number): void {
    const isLeased = [...this.leases.values()].some((lease) => lease.has(microbatch));
    if (!isLeased && !this.results.has(microbatch)) this.open.unshift(microbatch);
  }

  /** Gives what nobody has to those who have time; who wants to leave is given none, if others stay. */
  private handOut(): void {
    const members = [...this.leases.keys()].filter(({ alive }) => alive);
    const staying = members.filter(({ isLeaving }) => !isLeaving);
    for (let count = 1; count <= AT_ONCE; count++)
      for (const member of staying.length > 0 ? staying : members)
        if (this.open.length > 0 && this.leases.get(member)!.size < count)
          this.give(member, this.open.shift()!);
    for (const member of members) {
      member.microbatches = this.leases.get(member)!.size;
      member.state = member.microbatches > 0 ? 'WORKER_STATE_COMPUTING' : 'WORKER_STATE_WAITING';
    }
  }

  private give(member: Member, microbatch: number): void {
    this.leases.get(member)!.set(microbatch, performance.now());
    const { start: first, end } = this.ranges[microbatch]!;
    const { generation, step, choice } = this;
    member.send({ validate: { generation, step, ...choice, first, end } });
  }

  /** Nothing has happened for a while: what late workers have is given to idle ones as well. */
  private helpLatecomers(): void {
    if (this.reports === 0) return;
    const usual = this.waited / this.reports;
    const patience = Math.max(LEAST_PATIENCE_MS, this.run.stragglerFactor * usual);
    const now = performance.now();
    const late = new Set<number>();
    for (const lease of this.leases.values())
      for (const [microbatch, since] of lease)
        if (!this.results.has(microbatch) && now - since > patience) late.add(microbatch);
    for (const [member, lease] of this.leases) {
      if (!member.alive || lease.size > 0) continue;
      const [microbatch] = late;
      if (microbatch === undefined) return;
      late.delete(microbatch);
      this.give(member, microbatch);
    }
  }

  private sum(): Validation {
    const { split, captions } = this.choice;
    let [lossSum, tokens] = [0, 0];
    for (const microbatch of this.ranges.keys()) {
      const result = this.results.get(microbatch)!;
      lossSum += result.lossSum;
      tokens += result.captionTokens;
    }
    return { split, loss: lossSum / tokens, captions, tokens };
  }
}
