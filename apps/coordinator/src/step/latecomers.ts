import { type Subtree, subtreeKey } from '@captrain/exchange';
import type { Member } from '../membership/member.js';
import type { Run } from '../run.js';
import { type Assignment, handedOver, microbatchesOf } from './assignment.js';

/** Nobody is late before this. */
const LEAST_PATIENCE_MS = 1000;

/** An exchange in which nothing happens for so many leases stands still. */
const LEASES_UNTIL_STALLED = 3;

/** A late worker's subtree, or part of one, that another computes as well. */
export interface Piece {
  readonly subtree: Subtree;
  readonly owner: Member;
  readonly heir: Member;
  isDone: boolean;
}

/**
 * Watches over the workers that a step waits for. What a late one has still to compute is leased to others as well; the
 * first result counts, be it theirs or its own.
 */
export class Latecomers {
  /** When each worker's present part was first given to it. */
  private readonly since = new Map<Member, { at: number; part: string }>();
  private pieces: Piece[] = [];
  private computedAllAt: number | undefined;

  constructor(
    private readonly run: Pick<Run, 'pace' | 'reduction' | 'leaseSeconds' | 'stragglerFactor' | 'log'>,
  ) {}

  /** There is a new plan. */
  begin(shares: Assignment<Member>): void {
    this.pieces = [];
    this.computedAllAt = undefined;
    for (const [member, subtrees] of shares) {
      const part = subtrees.map(subtreeKey).join(' ');
      if (this.since.get(member)?.part !== part) this.since.set(member, { at: performance.now(), part });
    }
  }

  /**
   * Somebody has computed a subtree. Once all that a late worker owes has come from others: what was whose, and who has
   * it now.
   */
  computed(member: Member, subtree: Subtree): readonly Piece[] {
    const key = subtreeKey(subtree);
    const piece = this.pieces.find(({ heir, subtree }) => heir === member && subtreeKey(subtree) === key);
    if (piece === undefined) return [];
    piece.isDone = true;
    const owed = this.pieces.filter(({ owner }) => owner === piece.owner);
    return owed.every(({ isDone }) => isDone) ? owed : [];
  }

  /** What idle workers are to compute in late ones' stead, given what everyone has still to compute. */
  leaseAgain(outstanding: Assignment<Member>, leaves: number): Map<Member, Subtree[]> {
    const members = [...outstanding.keys()];
    const median = this.run.pace.median(members);
    const idle = members.filter((member) => this.isIdle(member, outstanding));
    const leases = new Map<Member, Subtree[]>();
    if (median === undefined || idle.length === 0) return leases;
    for (const [owner, subtrees] of outstanding) {
      if (subtrees.length === 0 || this.pieces.some((piece) => piece.owner === owner)) continue;
      const expected = median * microbatchesOf(subtrees, leaves) * 1000;
      const patience = Math.max(LEAST_PATIENCE_MS, this.run.stragglerFactor * expected);
      if (performance.now() - this.since.get(owner)!.at < patience) continue;
      this.run.log.warn({ worker: owner.name }, 'late: others compute its microbatches as well');
      const none = new Map(idle.map((member) => [member, [] as readonly Subtree[]]));
      for (const [heir, pieces] of handedOver(none, subtrees, idle, leaves)) {
        for (const subtree of pieces) this.pieces.push({ subtree, owner, heir, isDone: false });
        if (pieces.length > 0) leases.set(heir, [...(leases.get(heir) ?? []), ...pieces]);
      }
    }
    return leases;
  }

  /** Those whose exchange stands still, although everything is computed. */
  stalled(members: readonly Member[], exchanged: ReadonlyMap<Member, unknown>): Member[] {
    this.computedAllAt ??= performance.now();
    const patience = LEASES_UNTIL_STALLED * this.run.leaseSeconds * 1000;
    if (performance.now() - this.computedAllAt < patience) return [];
    this.computedAllAt = performance.now();
    const awaited = this.run.reduction.awaited();
    const guilty = members.filter(({ worker }) => awaited.includes(worker));
    return guilty.length > 0 ? guilty : members.filter((member) => !exchanged.has(member));
  }

  private isIdle(member: Member, outstanding: Assignment<Member>): boolean {
    return (
      outstanding.get(member)!.length === 0 &&
      !this.pieces.some(({ heir, isDone }) => heir === member && !isDone)
    );
  }
}
