import { type Subtree, subtreeKey } from '@captrain/exchange';
import type { Computed, PartRefused, WorkerMessage__Output } from '@captrain/protos';
import { type Member, type MemberEvent, workersAmong } from '../membership/member.js';
import type { Run } from '../run.js';
import { type Assignment, handedOver, microbatchesOf, moved, shareOut, withoutWorker } from './assignment.js';
import { Doubts } from './doubts.js';
import { ExchangeFaults } from './exchange-faults.js';
import type { GlobalBatch } from './global-batch.js';
import { Latecomers, type Piece } from './latecomers.js';
import { judgeSum } from './judge-sum.js';
import { openExchange } from './open-exchange.js';
import { ReceivedSums } from './received-sums.js';
import { type StepTimes, addTimes, longest } from './step-times.js';
import { Suspicions } from './suspicions.js';

/** How long the loop waits for an event before it looks for late workers. */
const TICK_MS = 250;

/** How a step's attempts ended. */
export type StepEnd =
  /** Every active worker has the global sum; where that is not finite, nothing is to be updated. */
  | { readonly kind: 'summed'; readonly finite: boolean; readonly times: StepTimes }
  /** A microbatch did not fit into this worker's memory. */
  | { readonly kind: 'outOfMemory'; readonly member: Member }
  /** Replicas differ: somebody's state went astray, and what was computed since is worth nothing. */
  | { readonly kind: 'astray' }
  /** Again and again the sum could not be made, though nobody was lost: why. */
  | { readonly kind: 'unsummable'; readonly reason: string }
  /** No active worker is left. */
  | { readonly kind: 'deserted' };

/**
 * One step, from the first plan to the moment when all have the sum. Whenever somebody is lost or refused, or a late
 * worker's part has come from another, there is a new plan under a higher generation; what was computed stays good, and
 * the sums are exchanged anew from their beginning, so that no sum is ever made of two attempts.
 */
export class StepRun {
  private shares: Assignment<Member> = new Map();
  private generation = 0;
  /** Who has computed what under any generation of this step. */
  private readonly computed = new Map<Member, Map<string, Subtree>>();
  private readonly exchanged = new Map<Member, boolean>();
  private readonly computing = new Map<Member, StepTimes>();
  private readonly latecomers: Latecomers;
  private readonly suspicions = new Suspicions();
  private readonly faults: ExchangeFaults;
  /** Whether this process will see if the present attempt's sum is finite. */
  private willBeSeen = false;
  private readonly doubts = new Doubts();
  private readonly received: ReceivedSums;
  private end: StepEnd | undefined;

  constructor(
    private readonly run: Run,
    private readonly batch: GlobalBatch,
    /** Values of a leaf's vector. */
    private readonly total: number,
  ) {
    this.latecomers = new Latecomers(run);
    this.faults = new ExchangeFaults(run, this.suspicions);
    this.received = new ReceivedSums(run);
  }

  /** Runs to an end. */
  async toEnd(): Promise<StepEnd> {
    const { crew, pace, board } = this.run;
    // In an order that a coordinator's successor finds, too: its workers hold what they have computed of the step.
    const members = crew.active.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const { working, relieved } = pace.divide(members, this.batch.step);
    if (working.length === 0) return { kind: 'deserted' };
    for (const member of relieved) member.state = 'WORKER_STATE_RELIEVED';
    this.plan(shareOut(this.batch.leaves, working, relieved));
    while (this.end === undefined) {
      const event = await crew.next({ milliseconds: TICK_MS });
      if (event !== undefined) this.handle(event);
      else this.look();
      if (this.isComputed) this.run.reduction.computed();
      if (this.run.replicas.isAstray) this.end = { kind: 'astray' };
      board.changed();
    }
    return this.end;
  }

  /** The generation under which the step ended. */
  get finalGeneration(): number {
    return this.generation;
  }

  private get leaves(): number {
    return this.batch.leaves;
  }

  /** Begins the exchange anew with these shares. */
  private plan(shares: Assignment<Member>): void {
    const { crew, here } = this.run;
    this.shares = shares;
    this.generation = crew.nextGeneration();
    this.exchanged.clear();
    const { generation, leaves, total } = this;
    const { step, cut } = this.batch;
    const isWatched = this.doubts.any;
    const routes = openExchange(this.run, { generation, step, leaves, total, shares }, { isWatched });
    const isWithoutNeighbours = [...routes.values()].every(({ neighbours }) => neighbours?.length === 0);
    this.willBeSeen = here.adds(generation) && isWithoutNeighbours;
    for (const [member, subtrees] of shares) {
      member.microbatches = microbatchesOf(subtrees, leaves);
      if (member.state !== 'WORKER_STATE_RELIEVED') member.state = 'WORKER_STATE_COMPUTING';
      const route = routes.get(member)!;
      member.send({
        plan: { generation, step, subtrees: [...subtrees], microbatches: cut, leaves, ...route },
      });
    }
    this.latecomers.begin(shares);
    this.faults.begin(routes);
    this.received.begin(routes);
  }

  private handle(event: MemberEvent): void {
    if (event.type === 'lost') this.lose(event.member);
    else if (event.type === 'refused') {
      const member = this.run.crew.memberOf(event.worker);
      if (event.generation !== this.generation || !member) return;
      this.doubts.confirm(member);
      this.refuse(member, event.kind, event.reason);
    } else if (event.type === 'message') this.hear(event.member, event.message);
  }

  private hear(member: Member, message: WorkerMessage__Output): void {
    const { computed, exchanged, exchangeFailed, partRefused, outOfMemory } = message;
    const about = computed ?? exchanged ?? exchangeFailed ?? partRefused ?? outOfMemory;
    // What belongs to another generation changes nothing; the worker has its new plan already.
    if (!about || about.generation !== this.generation) return;
    const { step } = this.batch;
    if (about.step !== step)
      return this.refuse(member, 'malformed', `It spoke of step ${about.step} in a plan for step ${step}.`);
    if (computed) this.note(member, computed);
    if (outOfMemory) this.end = { kind: 'outOfMemory', member };
    if (partRefused) this.weigh(member, partRefused);
    if (exchangeFailed) this.faults.note(member, exchangeFailed);
    if (exchanged) {
      member.state = 'WORKER_STATE_WAITING';
      this.exchanged.set(member, exchanged.finite);
      this.received.note(member, exchanged.sumChecksums);
      this.finishIfAllHaveIt();
    }
  }

  /** A worker has refused another's part, which is to be seen here. */
  private weigh(accuser: Member, { worker, reason }: PartRefused): void {
    const accused = this.run.crew.memberOf(worker);
    if (accused === undefined || !this.shares.has(accused)) return;
    if (this.willBeSeen) return this.refuse(accuser, 'malformed', `It was sent no part of ${accused.name}.`);
    this.run.log.warn({ worker: accused.name, by: accuser.name, reason }, 'a part was refused');
    this.doubts.accuse(accuser, accused);
    this.plan(this.shares);
  }

  /** Ends the step once all have the sum, or once it has been seen that it is not finite: nobody needs the rest of it then. */
  private finishIfAllHaveIt(): void {
    if (!this.batch.isComplete) return;
    const { crew, here, reduction } = this.run;
    const members = [...this.shares.keys()];
    const verdict = judgeSum(members, this.exchanged, {
      seen: here.isFinite(this.generation),
      willBeSeen: this.willBeSeen,
      // A collective sum is over for all at the same time, and one that is made here may be rounded to something else.
      allWillSay: reduction.isCollective,
    });
    if (verdict === 'open') return;
    if (verdict === 'doubtful') {
      for (const [member, finite] of this.exchanged) if (!finite) this.doubts.denyFinite(member);
      return this.plan(this.shares);
    }
    const { finite, liars } = verdict;
    if (finite && this.received.differ()) return this.doubtSums();
    const heard = new Set(
      this.willBeSeen ? members.filter((member) => this.shares.get(member)!.length > 0) : [],
    );
    for (const [liar, sentence] of this.doubts.disproved(finite, liars, heard))
      if (liar.alive) crew.refuse(liar, sentence);
    this.end = { kind: 'summed', finite, times: longest(this.computing) };
  }

  /** Workers have different sums: none of these counts, and the sum is made here. */
  private doubtSums(): void {
    this.doubts.doubtSums();
    this.exchanged.clear();
    // Who was fenced for it is lost, which its own event says.
    if ([...this.shares.keys()].every(({ alive }) => alive)) this.plan(this.shares);
  }

  /** A worker has computed a subtree: its own, or a late worker's, which is its own then. */
  private note(member: Member, computed: Computed): void {
    const { pace } = this.run;
    const fault = this.batch.faultOf(computed);
    if (fault !== undefined) return this.refuse(member, 'malformed', fault);
    const subtree = computed.subtree!;
    if (computed.notFinite) return this.noteNotFinite(member, computed);
    this.batch.add(computed);
    const known = this.computed.get(member) ?? new Map<string, Subtree>();
    this.computed.set(member, known);
    if (computed.computeSeconds > 0 && !known.has(subtreeKey(subtree))) {
      pace.add(member, computed.computeSeconds, computed.lossSums.length);
      addTimes(this.computing, member, computed);
      member.captionsPerSecond = computed.captions / computed.computeSeconds;
    }
    known.set(subtreeKey(subtree), subtree);
    for (const liar of this.suspicions.finite(member, subtree))
      this.run.crew.refuse(
        liar,
        `Of microbatches whose gradient is finite ${liar.name} said that it is not.`,
      );
    if (member.state === 'WORKER_STATE_COMPUTING' && this.outstandingOf(member).length === 0)
      member.state = 'WORKER_STATE_WAITING';
    const pieces = this.latecomers.computed(member, subtree);
    const owner = pieces[0]?.owner;
    if (owner === undefined || this.outstandingOf(owner).length === 0) return this.finishIfAllHaveIt();
    const inherited = (shares: Assignment<Member>, { subtree, heir }: Piece) =>
      moved(shares, subtree, heir, this.leaves);
    this.plan(pieces.reduce(inherited, this.shares));
  }

  /** The sum of a subtree is not finite. One worker's word is not enough, where there is another. */
  private noteNotFinite(member: Member, computed: Computed): void {
    this.batch.add(computed);
    const subtree = computed.subtree!;
    const others = this.suspicions.notFinite(member, subtree, [...this.shares.keys()]);
    if (others.length === 0) {
      this.end = { kind: 'summed', finite: false, times: longest(this.computing) };
      return;
    }
    const without = moved(this.shares, subtree, others[0]!, this.leaves);
    this.plan(without);
  }

  /** What of its part a worker has not computed yet. */
  private outstandingOf(member: Member): Subtree[] {
    const known = this.computed.get(member);
    return (this.shares.get(member) ?? []).filter((subtree) => !known?.has(subtreeKey(subtree)));
  }

  /** Whether everyone has computed its part. */
  private get isComputed(): boolean {
    return (
      this.batch.isComplete && [...this.shares.keys()].every((each) => this.outstandingOf(each).length === 0)
    );
  }

  private lose(member: Member): void {
    if (!this.shares.has(member)) return;
    this.faults.lost();
    const heirs = [...this.shares.keys()].filter(({ alive }) => alive);
    if (heirs.length === 0) {
      this.end = { kind: 'deserted' };
      return;
    }
    const shares = withoutWorker(this.shares, member, workersAmong(heirs), this.leaves);
    // Where all that are left have the whole sum already, and what it is of is known, there is nothing to begin anew.
    if (this.batch.isComplete && heirs.every((heir) => this.exchanged.has(heir))) {
      this.shares = shares;
      this.finishIfAllHaveIt();
    } else this.plan(shares);
  }

  /** A worker's part was refused: others compute it, and it is fenced when that happens too often. */
  private refuse(member: Member, kind: string, reason: string): void {
    this.run.crew.refuse(member, reason);
    if (!this.shares.has(member)) return;
    // A worker that is fenced by now is lost, which its own event says.
    if (!member.alive) return;
    const heirs = workersAmong([...this.shares.keys()].filter((other) => other !== member && other.alive));
    if (heirs.length === 0) return this.plan(this.shares);
    const own = this.shares.get(member)!;
    const without = new Map([...this.shares, [member, [] as readonly Subtree[]]]);
    this.plan(handedOver(without, own, heirs, this.leaves));
  }

  /** Nothing has happened for a while: is somebody late? */
  private look(): void {
    const { crew, reduction, here } = this.run;
    this.finishIfAllHaveIt();
    if (this.end !== undefined) return;
    if (this.faults.isRetryDue) {
      const { hopeless } = this.faults;
      if (hopeless !== undefined) return void (this.end = { kind: 'unsummable', reason: hopeless });
      this.faults.separateUnreadable();
      this.plan(this.shares);
    }
    const members = [...this.shares.keys()];
    const outstanding = new Map(members.map((member) => [member, this.outstandingOf(member)]));
    const { generation } = this;
    const { step, cut } = this.batch;
    for (const [heir, subtrees] of this.latecomers.leaseAgain(outstanding, this.leaves))
      heir.send({ compute: { generation, step, subtrees, microbatches: cut } });
    if (this.isComputed && (!reduction.isCollective || here.adds(generation)))
      for (const member of this.latecomers.stalled(members, this.exchanged))
        crew.lose(member, 'its exchange of gradients stands still');
  }
}
