import type { Computed } from '@captrain/protos';
import type { BufferPool } from '@captrain/runtime';
import type { Member } from './member.js';
import { Reduction } from './reduction.js';
import { type Subtree, shareMicrobatches, subtreeKey } from './subtree.js';

interface Lease {
  readonly subtree: Subtree;
  readonly member: Member;
  gradient: 'awaited' | 'added';
}

/**
 * One step's global batch while workers compute it: which subtree of its microbatches is whose, what has
 * arrived, and the sums so far. Losses and tokens are kept per microbatch and summed in that order, so that
 * they do not depend on the workers either.
 */
export class GlobalBatch {
  private readonly leases = new Map<string, Lease>();
  private readonly lossSums: Float64Array;
  private readonly tokens: Uint32Array;
  private readonly reduction: Reduction;
  captions = 0;

  /** `generation` is that of the messages about it: another attempt at the step has another one. */
  constructor(
    readonly step: number,
    readonly generation: number,
    readonly microbatches: number,
    readonly pool: BufferPool,
  ) {
    this.lossSums = new Float64Array(microbatches);
    this.tokens = new Uint32Array(microbatches);
    this.reduction = new Reduction(microbatches, pool);
  }

  /** Shares all microbatches among `members`. */
  lease(members: readonly Member[]): Map<Member, Subtree[]> {
    const shares = shareMicrobatches(this.microbatches, members.length);
    return new Map(members.map((member, i) => [member, this.grant(member, shares[i]!)]));
  }

  /** Gives what `lost` had still to compute to the `others`, and returns their new subtrees. */
  leaseAgain(lost: Member, others: readonly Member[]): Map<Member, Subtree[]> {
    const orphans = [...this.leases.values()].filter(({ member }) => member === lost);
    const grants = new Map<Member, Subtree[]>();
    orphans.forEach(({ subtree }, i) => {
      this.leases.delete(subtreeKey(subtree));
      const heir = others[i % others.length]!;
      grants.set(heir, [...(grants.get(heir) ?? []), ...this.grant(heir, [subtree])]);
    });
    return grants;
  }

  private grant(member: Member, subtrees: Subtree[]): Subtree[] {
    for (const subtree of subtrees) {
      this.leases.set(subtreeKey(subtree), { subtree, member, gradient: 'awaited' });
    }
    return subtrees;
  }

  /** True where the subtree's gradient is still to come. */
  awaits(subtree: Subtree): boolean {
    return this.leases.get(subtreeKey(subtree))?.gradient === 'awaited';
  }

  /** Takes over a subtree's gradient sum; the first one to arrive counts. */
  addGradient(subtree: Subtree, sum: Float32Array): void {
    this.leases.get(subtreeKey(subtree))!.gradient = 'added';
    this.reduction.add(subtree, sum);
  }

  /** A worker has finished a subtree: its gradient was added before. */
  addLosses({ subtree, lossSums, captionTokens, captions }: Computed): void {
    if (subtree === null || this.leases.get(subtreeKey(subtree))?.gradient !== 'added') return;
    this.leases.delete(subtreeKey(subtree));
    this.lossSums.set(lossSums, subtree.first);
    this.tokens.set(captionTokens, subtree.first);
    this.captions += captions;
  }

  get complete(): boolean {
    return this.leases.size === 0;
  }

  /** The gradient's sum over the whole batch, once complete. */
  get gradient(): Float32Array {
    return this.reduction.total!;
  }

  get captionTokens(): number {
    return this.tokens.reduce((sum, tokens) => sum + tokens, 0);
  }

  /** Mean cross-entropy per caption token. */
  get loss(): number {
    return this.lossSums.reduce((sum, loss) => sum + loss, 0) / this.captionTokens;
  }
}
