import { copyOut } from './copy-out.js';
import { hasKernels } from './kernels.js';
import { rawOp } from './raw-op.js';
import { engineAddon } from './start-engine.js';
import { hold } from './sums/in-use.js';
import { tf } from './tf.js';

export interface BackgroundCopy {
  /** Resolves when the values are there. */
  done: Promise<void>;
  /** Returns when the values are there, and TensorFlow's buffers are held no more. */
  wait(): void;
}

/**
 * Starts to write the values of float32 tensors, one tensor behind the other, into an array of exactly their length, on a
 * thread of libuv's pool, and returns at once: a snapshot of variables while the next step computes. The tensors' buffers
 * are held until they are copied. They may be read or disposed of meanwhile, and variables assigned to; before an op
 * changes one in place (`ownBuffers` names the case), call `wait`. The array may be a part of shared memory.
 *
 * Where the engine has no kernels it copies before it returns. Throws where the array has another length.
 */
export function copyOutInBackground(tensors: readonly tf.Tensor[], into: Float32Array): BackgroundCopy {
  if (!hasKernels()) {
    copyOut(tensors, into);
    return { done: Promise.resolve(), wait: () => {} };
  }
  const addon = engineAddon();
  const { handle, address } = addon.newBackgroundCopy(into);
  tf.tidy(() =>
    rawOp('CaptrainHold', [...tensors, tf.tensor1d(address, 'int32')], { N: { int: tensors.length } }, 0),
  );
  const release = hold([into]);
  const done = addon.startBackgroundCopy(handle, into).finally(release);
  return { done, wait: () => addon.finishBackgroundCopy(handle) };
}
