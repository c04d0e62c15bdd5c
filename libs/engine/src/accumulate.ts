import { hasKernels } from './kernels.js';
import { ownBuffers } from './own-buffers.js';
import { rawOp } from './raw-op.js';
import { tf } from './tf.js';

/**
 * Adds each part to its sum (float32), in place where the engine has kernels. The parts stay the caller's.
 *
 * Throws where a part has another size than its sum, or the lists differ in length.
 */
export function accumulate(sums: readonly tf.Variable[], parts: readonly tf.Tensor[]): void {
  if (sums.length !== parts.length) throw new Error(`${parts.length} parts for ${sums.length} sums`);
  if (hasKernels()) {
    ownBuffers(sums);
    rawOp('CaptrainAccumulate', [...sums, ...parts], { N: { int: sums.length } }, 0);
    return;
  }
  tf.tidy(() => {
    sums.forEach((sum, index) => sum.assign(tf.add(sum, tf.reshape(parts[index]!, sum.shape))));
  });
}
