import { rawOp } from './raw-op.js';
import { engineAddon } from './start-engine.js';
import { tf } from './tf.js';

/**
 * A float32 tensor of an array's values, which TensorFlow has alone from then on: the array is empty afterwards. Of
 * `tf.tensor` JavaScript keeps the array until the tensor is used, and then until its garbage is collected; large arrays
 * do not hasten that.
 *
 * Throws where the values are not as many as the shape has, or are but a part of a longer array.
 */
export function moveToTensor(values: Float32Array, shape: readonly number[]): tf.Tensor {
  if (values.byteLength !== values.buffer.byteLength)
    throw new Error(`${values.length} values are a part of a longer array, which is not to be moved`);
  // An op has TensorFlow copy the values; its output shares that copy.
  const tensor = tf.tidy(() => rawOp('Identity', [tf.tensor(values, [...shape], 'float32')])[0]!);
  engineAddon().detach(values);
  return tensor;
}
