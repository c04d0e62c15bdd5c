import { rawOp, tf } from '@captrain/engine';
import { withGradient } from './with-gradient.js';

/**
 * The sum over rows of the cross-entropy (nats) of softmax(logits_NV) against the target ids_N (int32), as a scalar.
 * One TensorFlow op gives loss and gradient: no one-hot targets, no separate softmax.
 */
export function sumCrossEntropy(logits_NV: tf.Tensor, targets_N: tf.Tensor): tf.Scalar {
  return withGradient(
    { logits: logits_NV },
    (save) => {
      const [loss_N, gradient_NV] = rawOp(
        'SparseSoftmaxCrossEntropyWithLogits',
        [logits_NV, targets_N],
        { T: 'float32', Tlabels: 'int32' },
        2,
      );
      save([gradient_NV!]);
      return tf.sum(loss_N!);
    },
    (dy, [gradient_NV]) => ({ logits: () => tf.mul(gradient_NV!, dy) }),
  ) as tf.Scalar;
}
