import type { Subtree } from '@captrain/protos';
import type { LeafComputer } from './held-sums.js';

/** A step that a plan asks for, under one cut into microbatches. */
export interface PlannedStep {
  /** Steps done after it. */
  readonly step: number;
  readonly cut: number;
}

/** What an update is made by, beside the sum. */
export interface UpdateFacts {
  /** Steps done after it. */
  readonly step: number;
  readonly learningRate: number;
  /** Caption tokens of all leaves. */
  readonly captionTokens: number;
  /** Leaves of the sum. */
  readonly leaves: number;
}

/**
 * How a run trains: what the leaves are whose vectors are added up between all workers, and what their sum does to the
 * state. Membership, plans and exchange know nothing of it.
 */
export interface Algorithm {
  /** Values of a leaf's vector. */
  readonly vectorLength: number;
  /** Steps done in the state that a planned step is computed from. */
  before(step: number): number;
  /** Says which leaves will be computed, so that their data are read meanwhile. */
  expect(planned: PlannedStep, subtrees: readonly Subtree[]): void;
  /** Computes leaves of a step; `proceed` is awaited before each microbatch, and throws where that is not to be computed. */
  leaves(planned: PlannedStep, proceed: (leaf: number) => Promise<void>): LeafComputer;
  /** Goes on to the next state, by the sum of all leaves. */
  apply(sum: Float32Array, facts: UpdateFacts): void;
}
