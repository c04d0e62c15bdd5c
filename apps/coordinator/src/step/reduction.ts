import type { ServedCall, Subtree } from '@captrain/exchange';
import type { Plan } from '@captrain/protos';
import type { Member } from '../membership/member.js';
import type { GradientRange } from './even-ranges.js';

/** One attempt at a step: who contributes which subtrees of its tree of microbatches. */
export interface Attempt {
  readonly generation: number;
  readonly step: number;
  /** Microbatches of the step's global batch. */
  readonly leaves: number;
  /** Length of the gradient. */
  readonly total: number;
  readonly shares: ReadonlyMap<Member, readonly Subtree[]>;
}

/** Where sums are made. */
export type Destination = Pick<Plan, 'reducers' | 'collectiveGroup'>;

/** Who adds the gradient sums up: the ways of `--reduce`. */
export interface Reduction {
  /**
   * Whether sums are made collectively: in an order that depends on the number of workers, and so that where one of them
   * fails all do, and nobody knows whose fault it is.
   */
  readonly isCollective: boolean;
  /** Whether ranges of the gradient may be opened one by one, each with contributors of its own. */
  readonly isByRange: boolean;
  /**
   * Makes ready for an attempt, ending the one before, and says where workers are to send the range of their sums: all of
   * them, where they are not opened by range.
   */
  open(attempt: Attempt, range: GradientRange): Destination;
  /** Everyone's part of the present attempt is computed. May be said again and again. */
  computed(): void;
  /** Workers (by number) that the adding waits for at this moment, as far as this process knows. */
  awaited(): number[];
  /** A worker sends its part here. */
  handle(call: ServedCall): void;
  /** Ends the present attempt, if any, telling its workers why. */
  close(reason: string): void;
}
