import type { LeafGradient } from './leaf-gradients.js';

/** What a scripted worker does otherwise than a real one would. */
export interface Script {
  name: string;
  /** The machine that it says to be on. Default: one of its own. */
  host?: string;
  layoutDigest?: string;
  /** The digest of its state after a step. */
  digest?: (step: number) => string;
  lossSum?: number;
  /** The gradient of a microbatch; of all workers the same unless given. */
  leaf?: LeafGradient;
  /** The fewest microbatches that it says fit its memory. Default: 1. */
  fits?: number;
  /** The fewest microbatches of a step that it computes: with fewer its memory is too small. Default: any. */
  needs?: (step: number) => number;
  /** Goes away, as a killed process does, when told to compute this step. */
  diesInStep?: number;
  /** Milliseconds that it takes for a microbatch. */
  slowness?: number;
  /** Is not heard of any more from this step on, though its connection stays. */
  fallsSilentInStep?: number;
  /** Says that sums are not finite. */
  saysNotFinite?: (step: number) => boolean;
  /** Its process fails in the collective sum of a step; how often at most. */
  sumFails?: { step: number; times: number };
  /** What it says of a global sum, instead of what it sees. */
  saysSumIsFinite?: (step: number) => boolean | undefined;
  /** Refuses another's part wherever it may have one, instead of exchanging. */
  accuses?: boolean;
  /** Asks to leave once it was told to update by this step. */
  leavesAfterStep?: number;
  /** Comes only after another was told to update by this step. */
  joinsAfterStep?: number;
  /** Is called when it was told to update by a step. */
  onUpdate?: (step: number) => void;
  /** The loss of a caption to validate on, which has 2 tokens. Default: of all workers the same. */
  validationLoss?: (step: number, caption: number) => number;
  /** Goes away when told to validate this step's state. */
  diesValidating?: number;
  /** Milliseconds that it takes to validate a microbatch. */
  validatesSlowly?: number;
  /** The most captions to validate on that its memory has room for. Default: any. */
  validatesAtMost?: number;
  /** Milliseconds that it loads for. */
  loadsFor?: number;
  /** Is called when it has loaded, with the folder that the welcome named. */
  onLoaded?: (checkpoint: string) => void;
  /** Cannot load checkpoints. */
  misses?: boolean;
  /** Says that it failed of something that the user can mend, when it is told to compute this step. */
  failsInStep?: number;
  /** The state that it holds already: it has outlived a coordinator. */
  holds?: number;
  /** The steps whose lines of the metrics it has heard. Default: that of the state that it holds. */
  heard?: number[];
}
