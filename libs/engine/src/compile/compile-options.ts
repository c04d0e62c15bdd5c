import type { DType } from '../dtypes.js';

export interface CompileOptions {
  /** Names the function in errors and profiles. */
  name: string;
  /** Compile by XLA, once for each set of shapes: slow to begin with, then often faster. Default: false. */
  xla?: boolean;
  /** Most shapes that are kept; beyond them the least recently used is removed. Default: 64. */
  limit?: number;
  /**
   * For tests: record each shape a second time, in its second call, and throw where the two recordings differ, that is,
   * where the function depends on something that is none of its inputs. Default: false.
   */
  verify?: boolean;
}

/** What one set of input shapes became. */
export interface CompiledShape {
  inputs: { dtype: DType; shape: readonly number[] }[];
  /** Nodes of the TensorFlow function, constants included. */
  nodes: number;
  constants: number;
  constantBytes: number;
  /** Seconds that the first call took beyond the others: for recording, and for defining the function. */
  recordSeconds: number;
  /** Calls so far, the first included. */
  calls: number;
}
