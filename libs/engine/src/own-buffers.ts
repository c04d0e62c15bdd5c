import { rawOp, tensorflowBackend } from './raw-op.js';
import { tf } from './tf.js';

/** Ids of the data that was copied here, so that no other tensor of TensorFlow shares its buffer. */
const owned = new WeakSet<object>();

/**
 * Sees to it that each variable's values lie in a buffer that is its own, so that an op may change them in place: those
 * that share it with a tensor, or may do so, get a copy. To be called before every such op, since a variable can be
 * assigned to or cloned; it costs nothing where nothing has happened. What it cannot see is a tensor that a raw op or a
 * function made by passing a variable on (`Identity`).
 */
export function ownBuffers(variables: readonly tf.Variable[]): void {
  const backend = tensorflowBackend();
  for (const variable of variables) {
    if (owned.has(variable.dataId) && backend.refCount(variable.dataId) === 1) continue;
    tf.tidy(() => {
      const [copy] = rawOp('DeepCopy', [variable]) as [tf.Tensor];
      variable.assign(copy);
    });
    owned.add(variable.dataId);
  }
}
