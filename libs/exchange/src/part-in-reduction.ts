import type { WireFormat } from '@captrain/engine/sums';
import type { GradientSum } from './joined-sum.js';

/** A worker's part in one reducer's sum. */
export interface PartInReduction {
  readonly generation: number;
  readonly step: number;
  readonly worker: number;
  /** Microbatches of the global batch. */
  readonly leaves: number;
  /** The range [first, end) of the gradient's `total` values that the reducer sums. */
  readonly first: number;
  readonly end: number;
  readonly total: number;
  readonly format: WireFormat;
  /** Those of the worker's subtrees, in any order; none where it only receives. */
  readonly sums: readonly GradientSum[];
  /** As long as the gradient; receives the global sum, at the positions of the range. */
  readonly result: Float32Array;
  readonly signal: AbortSignal;
  /** Hears how many of the values to be sent, all subtrees counted, have been. */
  onChunkSent?(sentValues: number, totalValues: number): void;
}

export interface ReductionSeen {
  /** False where the sum has values that are NaN or infinite. */
  finite: boolean;
  /** Of chunks' values. */
  bytesSent: number;
  bytesReceived: number;
}
