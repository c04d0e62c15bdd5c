import { type BatchOptions, type Range, stepPlan } from './step-plan.js';

/** How many steps replicas take apart from each other, and how many replicas do. */
export interface RoundOptions {
  /** Steps of a round, after which the replicas are brought together; 1: each step is of the whole global batch. */
  readonly localSteps: number;
  /** Replicas that walk apart in a round. */
  readonly islands: number;
}

/** What an island does in one step of a round: its part of the step's global batch. */
export interface IslandStep {
  /** Counted from 0 over the whole run. */
  readonly step: number;
  /** Numbers of its microbatches in that global batch, `end` not included. */
  readonly microbatches: Range;
  /** Its captions, by their position among those of the round. */
  readonly captions: Range;
}

/** A step of a round, whoever's. */
export interface RoundStep {
  /** Both counted from 0 over the whole run. */
  readonly step: number;
  readonly epoch: number;
  /** Its captions, by their position among those of the round. */
  readonly captions: Range;
}

export interface RoundPlan {
  readonly steps: readonly RoundStep[];
  /** Captions of all islands. */
  readonly captions: number;
  /** The steps of each island, in order; without those where it has no part of the batch. */
  readonly islands: readonly (readonly IslandStep[])[];
}

/** Equal parts that a global batch is in any case cut into: microbatches are parts of them. */
export function partsOf({ localSteps, islands }: RoundOptions): number {
  return localSteps > 1 ? islands : 1;
}

/** Steps done when the round begins that ends with `step` steps done. */
export function roundStart(localSteps: number, step: number): number {
  return Math.floor((step - 1) / localSteps) * localSteps;
}

/** Steps done when the round ends that begins with `step` steps done; a run's last round may be short. */
export function roundEnd(localSteps: number, step: number, totalSteps: number): number {
  return Math.min(totalSteps, step + localSteps - (step % localSteps));
}

/**
 * The plan of the round that ends with `step` steps done. Every global batch in it is cut into as many equal parts as there
 * are islands, the i-th of which is the i-th island's. Of a short batch the last ones may have nothing; an island that has
 * nothing in the whole round is left out.
 */
export function roundPlan(
  captions: number,
  { batchSize, microbatches, localSteps, islands }: BatchOptions & RoundOptions,
  step: number,
): RoundPlan {
  if (microbatches % islands !== 0)
    throw new RangeError(`${microbatches} microbatches cannot be shared by ${islands} islands`);
  const share = microbatches / islands;
  const walks = Array.from({ length: islands }, (): IslandStep[] => []);
  const steps: RoundStep[] = [];
  let before = 0;
  for (let inner = roundStart(localSteps, step); inner < step; inner++) {
    const plan = stepPlan(captions, { batchSize, microbatches }, inner);
    const place = (position: number) => before + position - plan.start;
    walks.forEach((walk, island) => {
      const start = island * share;
      const ranges = plan.microbatches.slice(start, start + share);
      if (ranges.length === 0) return;
      walk.push({
        step: inner,
        microbatches: { start, end: start + ranges.length },
        captions: { start: place(ranges[0]!.start), end: place(ranges.at(-1)!.end) },
      });
    });
    const captionsOfStep = { start: before, end: before + plan.end - plan.start };
    steps.push({ step: inner, epoch: plan.epoch, captions: captionsOfStep });
    before = captionsOfStep.end;
  }
  return { steps, captions: before, islands: walks.filter((walk) => walk.length > 0) };
}
