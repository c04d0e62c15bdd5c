import { checksumsOfCopies } from './checksums-of-copies.js';
import { hasKernels } from './kernels.js';
import { rawOp } from './raw-op.js';
import { engineAddon } from './start-engine.js';
import { tf } from './tf.js';

/**
 * The CRC-32C of every block of so many values of float32 tensors, laid one behind the other; the last block may be
 * shorter. Where the engine has kernels, threads that are not JavaScript's look at the values where they stand; elsewhere
 * they are copied out of TensorFlow first, a tensor at a time. Until this resolves no tensor may change in place
 * (`ownBuffers` names the case) or be disposed of.
 */
export async function blockChecksums(
  tensors: readonly tf.Tensor[],
  blockValues: number,
): Promise<Uint32Array> {
  if (!hasKernels()) return checksumsOfCopies(tensors, blockValues);
  const values = tensors.reduce((sum, tensor) => sum + tensor.size, 0);
  const addon = engineAddon();
  const { handle, address } = addon.newBlockChecksums(values, blockValues);
  tf.tidy(() =>
    rawOp('CaptrainHold', [...tensors, tf.tensor1d(address, 'int32')], { N: { int: tensors.length } }, 0),
  );
  return Uint32Array.from(await addon.startBlockChecksums(handle));
}
