import { type DType, dtypeOfNumber } from '../dtypes.js';
import { tensorflowBackend } from '../raw-op.js';
import type { tf } from '../tf.js';

/** What is known of a tensor without its values. */
export interface TensorType {
  dtype: DType;
  shape: readonly number[];
}

/** As TensorFlow has the tensor: tfjs calls some of its types by other names. */
export function typeOf({ dataId }: tf.Tensor): TensorType {
  const { dtype, shape } = tensorflowBackend().tensorMap.get(dataId);
  return { dtype: dtypeOfNumber(dtype), shape };
}
