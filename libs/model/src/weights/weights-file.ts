import type { tf } from '@captrain/engine';
import type { WeightDtype } from './weight-dtype.js';

/** One tensor of a weight file. Nothing of its values is read before they are asked for. */
export interface WeightTensor {
  readonly dtype: WeightDtype;
  readonly shape: readonly number[];
  /**
   * A fresh copy of the values as float32, row-major. A dtype that is no float, a value that is NaN or infinite, and a
   * file that became shorter are UserErrors that name file and tensor.
   */
  read(): Float32Array;
  /** The same values as a float32 tensor, without a copy on the way where the file holds them as they are. */
  tensor(): tf.Tensor;
}

/** A file of weights of any format, or several files that are one model. */
export interface WeightsFile {
  /** The file or folder, for messages. */
  readonly place: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, WeightTensor>;
}
