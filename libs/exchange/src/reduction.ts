import type { WireFormat } from '@captrain/engine/sums';
import type { Subtree } from './subtree.js';

/** What is summed: one range of the gradient, for one step of one plan. */
export interface Reduction {
  /** With every change of the plan a higher one. */
  readonly generation: number;
  readonly step: number;
  /** Microbatches of the global batch. */
  readonly leaves: number;
  /** Length of the gradient. */
  readonly total: number;
  /** The range [first, end) of it that is reduced here. */
  readonly first: number;
  readonly end: number;
  readonly format: WireFormat;
  /**
   * The subtrees that each worker's sums are of; together they are all microbatches, each once. A worker without any
   * takes part as well: it receives the sum.
   */
  readonly contributions: ReadonlyMap<number, readonly Subtree[]>;
}

/** The gradient sum of a subtree's microbatches: all `total` values, of which those of the range are read. */
export interface SubtreeSum {
  readonly subtree: Subtree;
  readonly values: Float32Array;
}

/** Subtrees in the order in which their chunks follow each other at each offset. */
export function inOrder<Of extends { first: number }>(subtrees: readonly Of[]): Of[] {
  return subtrees.toSorted((a, b) => a.first - b.first);
}
