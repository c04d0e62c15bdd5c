import type { Member, MemberEvent } from './member.js';

/** What the workers' digests of one step have shown. */
export interface Verdict {
  readonly step: number;
  /** Those in the minority; empty where no side is larger. */
  readonly astray: readonly Member[];
}

/** Compares the replicas of all workers, by the digests that they report after an update. */
export class ReplicaWatch {
  private step = 0;
  private awaited = new Set<Member>();
  private readonly digests = new Map<Member, string>();
  private found: Verdict | undefined;
  private agreement: { step: number; digest: string } | undefined;

  /** From now on digests of a step's state are awaited of these workers. */
  expect(step: number, members: readonly Member[]): void {
    this.step = step;
    this.awaited = new Set(members);
    this.digests.clear();
  }

  /** An observer of the crew's events. */
  readonly observe = (event: MemberEvent): void => {
    if (this.awaited.size === 0) return;
    if (event.type === 'lost') this.awaited.delete(event.member);
    else if (event.type === 'message') {
      const { updated } = event.message;
      if (updated?.step !== this.step || updated.digest === '' || !this.awaited.delete(event.member)) return;
      this.digests.set(event.member, updated.digest);
    }
    if (this.awaited.size === 0) this.compare();
  };

  /** Whether replicas differ. */
  get isAstray(): boolean {
    return this.found !== undefined;
  }

  /** Whether they differ in the state of this step. */
  wentAstrayAt(step: number): boolean {
    return this.found?.step === step;
  }

  /** What was found, once. */
  takeVerdict(): Verdict | undefined {
    const verdict = this.found;
    this.found = undefined;
    return verdict;
  }

  /** The digest of a step's state where all replicas have shown it. */
  agreedDigest(step: number): string | undefined {
    return this.agreement?.step === step ? this.agreement.digest : undefined;
  }

  /** Whether digests of a step's state are still to come. */
  isAwaiting(step: number): boolean {
    return this.step === step && this.awaited.size > 0;
  }

  private compare(): void {
    const held = [...this.digests].filter(([member]) => member.alive);
    if (held.length === 0) return;
    const sides = sidesOf(held);
    if (sides.length === 1) {
      this.agreement = { step: this.step, digest: held[0]![1] };
      return;
    }
    const [largest, second] = sides;
    const isTie = largest!.length === second!.length;
    this.found = { step: this.step, astray: isTie ? [] : sides.slice(1).flat() };
  }
}

/** Members by what they hold, the largest group first. */
export function sidesOf(held: readonly (readonly [Member, string])[]): Member[][] {
  const sides = new Map<string, Member[]>();
  for (const [member, digest] of held) sides.set(digest, [...(sides.get(digest) ?? []), member]);
  return [...sides.values()].toSorted((a, b) => b.length - a.length);
}
