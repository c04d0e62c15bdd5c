import { messageOf } from '@captrain/runtime';
import { rawOp } from './raw-op.js';
import { engineInfo } from './start-engine.js';
import type { tf } from './tf.js';

/** Where a tensor's values lie in a file, row-major, little-endian. */
export interface TensorRange {
  path: string;
  /** Byte of the first value. */
  offset: number;
  dtype: 'float32' | 'float16' | 'bfloat16' | 'float64';
  shape: readonly number[];
}

/** Values in a file that are no numbers: the message says which. */
export class NonFiniteValueError extends Error {}

/**
 * The values of a file as a float32 tensor, in TensorFlow's memory without another copy on the way. The caller
 * disposes it, or `tf.tidy` does.
 *
 * Throws a NonFiniteValueError where a value is NaN or infinite (for float64: once it is float32), an Error where the
 * file cannot be read or ends too early.
 */
export function readTensor({ path, offset, dtype, shape }: TensorRange): tf.Tensor {
  const attributes = {
    path: { string: path },
    offset: { int: offset },
    source: dtype,
    shape: { ints: shape },
  };
  try {
    const [values] = rawOp('CaptrainReadTensor', [], attributes) as [tf.Tensor];
    return onDevice(values);
  } catch (cause) {
    const found = /value \d+ is (NaN|infinite)/.exec(messageOf(cause));
    if (found !== null) throw new NonFiniteValueError(found[0], { cause });
    throw cause;
  }
}

/** Files are read into the host's memory; with a GPU, the values then go there once instead of with every use. */
function onDevice(values: tf.Tensor): tf.Tensor {
  if (engineInfo().device !== 'gpu') return values;
  const [moved] = rawOp('Identity', [values]) as [tf.Tensor];
  values.dispose();
  return moved;
}
