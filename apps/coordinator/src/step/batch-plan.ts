import {
  type Range,
  type RoundStep,
  microbatchesAt,
  roundEnd,
  roundPlan,
  stepPlan,
} from '@captrain/data/order';
import type { RunConfig } from '@captrain/model/run';

/** What workers compute between one state and the next: a global batch, or those of a round of local steps. */
export interface BatchPlan {
  /** Steps done before and after it. */
  readonly before: number;
  readonly step: number;
  /** What a whole global batch is cut into. */
  readonly cut: number;
  /** Of its last step, counted from 0. */
  readonly epoch: number;
  readonly captions: number;
  /** Its steps, which may be of several epochs. */
  readonly steps: readonly RoundStep[];
  /** The captions of each leaf (a microbatch, or an island), by position among all of these. */
  readonly leaves: readonly (readonly Range[])[];
}

/** The plan that follows the state after `before` steps, in a run of `steps`. */
export function planAfter(config: RunConfig, captions: number, before: number, steps: number): BatchPlan {
  const { localSteps, islands, batchSize } = config;
  const step = roundEnd(localSteps, before, steps);
  const cut = microbatchesAt(config, step);
  if (localSteps === 1) {
    const { epoch, start, end, microbatches } = stepPlan(captions, { batchSize, microbatches: cut }, before);
    const leaves = microbatches.map((range) => [{ start: range.start - start, end: range.end - start }]);
    const captionsOfStep = end - start;
    const steps = [{ step: before, epoch, captions: { start: 0, end: captionsOfStep } }];
    return { before, step, cut, epoch, captions: captionsOfStep, steps, leaves };
  }
  const round = roundPlan(captions, { batchSize, microbatches: cut, localSteps, islands }, step);
  const leaves = round.islands.map((walk) => walk.map((part) => part.captions));
  const { epoch } = round.steps.at(-1)!;
  return { before, step, cut, epoch, captions: round.captions, steps: round.steps, leaves };
}
