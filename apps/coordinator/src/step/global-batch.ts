import type { StepPlan } from '@captrain/data/order';
import type { Computed } from '@captrain/protos';

/**
 * What is known of one step's global batch while workers compute it. Losses and tokens are kept per microbatch and summed
 * in that order, so that they do not depend on who computed what either.
 */
export class GlobalBatch {
  private readonly lossSums: Float64Array;
  private readonly tokens: Uint32Array;
  private readonly seen: Uint32Array;
  private readonly reported = new Set<number>();

  constructor(
    /** Counted from 1. */
    readonly step: number,
    /** What a whole global batch is cut into. */
    readonly cut: number,
    private readonly plan: StepPlan,
  ) {
    this.lossSums = new Float64Array(this.leaves);
    this.tokens = new Uint32Array(this.leaves);
    this.seen = new Uint32Array(this.captions);
  }

  /** Counted from 0. */
  get epoch(): number {
    return this.plan.epoch;
  }

  /** Microbatches of this batch: fewer than the cut in an epoch's last. */
  get leaves(): number {
    return this.plan.microbatches.length;
  }

  get captions(): number {
    return this.plan.end - this.plan.start;
  }

  /** What is wrong with a report, in a sentence; undefined where it fits this batch. */
  faultOf({ subtree, lossSums, captionTokens, samples }: Computed): string | undefined {
    if (subtree === null) return 'A report names no microbatches.';
    const { first, count } = subtree;
    const isAligned = count > 0 && (count & (count - 1)) === 0 && first % count === 0;
    if (!isAligned || first >= this.leaves)
      return `Microbatches ${first} to ${first + count - 1} are no part of step ${this.step}.`;
    const ranges = this.plan.microbatches.slice(first, first + count);
    if (lossSums.length !== ranges.length || captionTokens.length !== ranges.length)
      return `${lossSums.length} losses and ${captionTokens.length} token counts came for ${ranges.length} microbatches.`;
    const captions = ranges.at(-1)!.end - ranges[0]!.start;
    if (samples.length !== 0 && samples.length !== captions)
      return `${samples.length} captions were reported for microbatches of ${captions}.`;
    return undefined;
  }

  /** Takes over a report without fault. One that comes again is the same. */
  add({ subtree, lossSums, captionTokens, samples }: Computed): void {
    const { first } = subtree!;
    for (const i of lossSums.keys()) this.reported.add(first + i);
    this.lossSums.set(lossSums, first);
    this.tokens.set(captionTokens, first);
    this.seen.set(samples, this.plan.microbatches[first]!.start - this.plan.start);
  }

  /** Whether every microbatch has been reported: not before is it known what the sum has to be divided by. */
  get isComplete(): boolean {
    return this.reported.size === this.leaves;
  }

  get captionTokens(): number {
    return this.tokens.reduce((sum, tokens) => sum + tokens, 0);
  }

  /** Mean cross-entropy per caption token. */
  get loss(): number {
    return this.lossSums.reduce((sum, loss) => sum + loss, 0) / this.captionTokens;
  }

  /** The captions trained on, in order, where workers report them. */
  get samples(): number[] {
    return [...this.seen];
  }
}
