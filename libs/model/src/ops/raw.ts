/**
 * Ops by their names where tfjs's are slower: its sum over rows is a general one, its mean casts first. None has a
 * gradient of tfjs's.
 */
import { hasKernels, rawOp, tf } from '@captrain/engine';

/** x_…D + bias_D. */
export function addBias(x: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return rawOp('BiasAdd', [x, bias])[0]!;
}

/** The sum of x_…D over all dimensions but the last. */
export function sumToLast(x: tf.Tensor): tf.Tensor {
  return rawOp(hasKernels() ? 'CaptrainRowSum' : 'BiasAddGrad', [x])[0]!;
}

/** The mean over the last dimension, which stays with size 1. */
export function meanOfLast(x: tf.Tensor): tf.Tensor {
  return rawOp('Mean', [x, tf.scalar(x.rank - 1, 'int32')], { keep_dims: true })[0]!;
}
