import type { Computed } from '@captrain/protos';
import type { LedgerLine } from '../log/run-log.js';
import type { BatchPlan } from './batch-plan.js';

/**
 * What is known of one step's global batch (of all of a round's, where there are local steps) while workers compute it.
 * Losses and tokens are kept per leaf and summed in that order, so that they do not depend on who computed what either.
 */
export class GlobalBatch {
  private readonly lossSums: Float64Array;
  private readonly tokens: Uint32Array;
  private readonly seen: Uint32Array;
  private readonly reported = new Set<number>();

  constructor(private readonly plan: BatchPlan) {
    this.lossSums = new Float64Array(this.leaves);
    this.tokens = new Uint32Array(this.leaves);
    this.seen = new Uint32Array(this.captions);
  }

  /** Steps done after it, and before. */
  get step(): number {
    return this.plan.step;
  }

  get before(): number {
    return this.plan.before;
  }

  /** What a whole global batch is cut into. */
  get cut(): number {
    return this.plan.cut;
  }

  /** Counted from 0. */
  get epoch(): number {
    return this.plan.epoch;
  }

  /** Microbatches of this batch (fewer than the cut in an epoch's last), or islands. */
  get leaves(): number {
    return this.plan.leaves.length;
  }

  get captions(): number {
    return this.plan.captions;
  }

  /** What is wrong with a report, in a sentence; undefined where it fits this batch. */
  faultOf({ subtree, lossSums, captionTokens, samples }: Computed): string | undefined {
    if (subtree === null) return 'A report names no microbatches.';
    const { first, count } = subtree;
    const isAligned = count > 0 && (count & (count - 1)) === 0 && first % count === 0;
    if (!isAligned || first >= this.leaves)
      return `Microbatches ${first} to ${first + count - 1} are no part of step ${this.step}.`;
    const leaves = this.plan.leaves.slice(first, first + count);
    if (lossSums.length !== leaves.length || captionTokens.length !== leaves.length)
      return `${lossSums.length} losses and ${captionTokens.length} token counts came for ${leaves.length} microbatches.`;
    const captions = leaves.flat().reduce((sum, { start, end }) => sum + end - start, 0);
    if (samples.length !== 0 && samples.length !== captions)
      return `${samples.length} captions were reported for microbatches of ${captions}.`;
    return undefined;
  }

  /** Takes over a report without fault. One that comes again is the same. */
  add({ subtree, lossSums, captionTokens, samples }: Computed): void {
    const { first, count } = subtree!;
    for (const i of lossSums.keys()) this.reported.add(first + i);
    this.lossSums.set(lossSums, first);
    this.tokens.set(captionTokens, first);
    let at = 0;
    for (const { start, end } of this.plan.leaves.slice(first, first + count).flat())
      this.seen.set(samples.slice(at, (at += end - start)), start);
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

  /** The captions trained on in each of its steps, in the run's order, where workers report them. */
  get ledger(): LedgerLine[] {
    return this.plan.steps.map(({ step, epoch, captions: { start, end } }) => ({
      step: step + 1,
      epoch,
      samples: [...this.seen.slice(start, end)],
    }));
  }
}
