import type { Subtree } from '@captrain/exchange';
import type { Member } from '../membership/member.js';

/** Failures of one worker's calls to another until one of the two has to go. */
const FAILURES_UNTIL_GUILTY = 3;

/** Who may be at fault within one step: what one worker says of itself or of others is weighed here. */
export class Suspicions {
  private readonly notFiniteBy = new Map<number, Set<Member>>();
  private readonly failures = new Map<Member, Map<Member | undefined, number>>();

  /**
   * A worker says that a subtree's sum is not finite. Returns those whose word on it is still to be heard: where there is
   * nobody, it is so.
   */
  notFinite(member: Member, { first, count }: Subtree, members: readonly Member[]): Member[] {
    const said = new Set<Member>();
    for (let leaf = first; leaf < first + count; leaf++) {
      const by = this.notFiniteBy.get(leaf) ?? new Set();
      this.notFiniteBy.set(leaf, by.add(member));
      for (const other of by) said.add(other);
    }
    return members.filter((other) => other.alive && !said.has(other));
  }

  /** A worker's sum of a subtree is finite. Returns those who said otherwise of a part of it. */
  finite(member: Member, { first, count }: Subtree): Member[] {
    const liars = new Set<Member>();
    for (let leaf = first; leaf < first + count; leaf++) {
      for (const other of this.notFiniteBy.get(leaf) ?? []) if (other !== member) liars.add(other);
      this.notFiniteBy.delete(leaf);
    }
    return [...liars];
  }

  /**
   * A worker's exchange with a reducer has failed (undefined: the coordinator). Returns who has to go: after some
   * failures the one that fails with more of the others; of two alike, the one that was called.
   */
  unreachable(caller: Member, reducer: Member | undefined): Member | undefined {
    const ofCaller = this.failures.get(caller) ?? new Map<Member | undefined, number>();
    this.failures.set(caller, ofCaller);
    const count = (ofCaller.get(reducer) ?? 0) + 1;
    ofCaller.set(reducer, count);
    if (count < FAILURES_UNTIL_GUILTY) return undefined;
    if (reducer === undefined) return caller;
    return this.troubles(caller) > this.troubles(reducer) ? caller : reducer;
  }

  /** With how many others a worker has failed, calling or called. */
  private troubles(member: Member): number {
    const others = new Set<Member | undefined>(this.failures.get(member)?.keys());
    for (const [caller, reducers] of this.failures) if (reducers.has(member)) others.add(caller);
    return others.size;
  }
}
