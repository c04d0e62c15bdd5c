import { addressOf } from './host-array.js';
import { hasKernels } from './kernels.js';
import { rawOp } from './raw-op.js';
import { tf } from './tf.js';

/**
 * Writes the values of float32 tensors, one tensor behind the other, into an array of exactly their length: without
 * arrays in between, and on all threads, where the engine has kernels.
 *
 * Throws where the array has another length.
 */
export function copyOut(tensors: readonly tf.Tensor[], into: Float32Array): void {
  const length = tensors.reduce((sum, tensor) => sum + tensor.size, 0);
  if (into.length !== length) throw new Error(`an array of ${into.length} values for tensors of ${length}`);
  if (hasKernels()) {
    tf.tidy(() => rawOp('CaptrainCopyOut', [...tensors, addressOf(into)], { N: { int: tensors.length } }, 0));
    return;
  }
  let offset = 0;
  for (const tensor of tensors) {
    into.set(tensor.dataSync() as Float32Array, offset);
    offset += tensor.size;
  }
}
