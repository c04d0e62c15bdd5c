import type { Member } from '../membership/member.js';

/**
 * What workers say of a step that this process has not seen: that the sum is not finite, or that another's part is bad. One
 * worker's word on such a thing is not enough. The sum is made here then, and shows who was right.
 */
export class Doubts {
  private readonly ofSum = new Set<Member>();
  /** Who has refused whose part. */
  private readonly ofParts = new Map<Member, Set<Member>>();
  private raised = false;

  /** Whether there was a doubt in this step. */
  get any(): boolean {
    return this.raised;
  }

  /** A worker says that the sum is not finite. */
  denyFinite(member: Member): void {
    this.raised = true;
    this.ofSum.add(member);
  }

  /** Workers have received different sums, or say so. */
  doubtSums(): void {
    this.raised = true;
  }

  /** A worker has refused another's part. */
  accuse(accuser: Member, accused: Member): void {
    this.raised = true;
    this.ofParts.set(accuser, (this.ofParts.get(accuser) ?? new Set()).add(accused));
  }

  /** A worker's part has been refused here as well. */
  confirm(accused: Member): void {
    for (const members of this.ofParts.values()) members.delete(accused);
  }

  /**
   * The sum has been made, and is finite or not; `liars` have said otherwise of it, and the parts of the `heard` were good.
   * Returns who was wrong, and a sentence for each.
   */
  disproved(finite: boolean, liars: readonly Member[], heard: ReadonlySet<Member>): [Member, string][] {
    const [is, said] = finite ? ['finite', 'not finite'] : ['not finite', 'finite'];
    const ofSum = [...new Set([...liars, ...(finite ? this.ofSum : [])])];
    return [
      ...ofSum.map((liar): [Member, string] => [
        liar,
        `Of a sum that is ${is} ${liar.name} said that it is ${said}.`,
      ]),
      ...[...this.ofParts].flatMap(([accuser, members]) =>
        [...members]
          .filter((accused) => heard.has(accused))
          .map(({ name }): [Member, string] => [
            accuser,
            `${accuser.name} refused a part of ${name} that is good.`,
          ]),
      ),
    ];
  }
}
