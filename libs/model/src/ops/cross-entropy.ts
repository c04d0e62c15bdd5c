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

/**
 * The cross-entropy (nats) of rows that have any number of targets each, summed, and its gradient: target t is to be
 * predicted by row `rows_T[t]` (int32) of logits_RV; targets whose row is none of R are passed over. Of a row with
 * several targets the softmax is computed once. Returns the loss, a scalar, and dLogits_RV.
 */
export function groupedCrossEntropy(
  logits_RV: tf.Tensor2D,
  { rows_T, targets_T }: { rows_T: tf.Tensor1D; targets_T: tf.Tensor1D },
): [loss: tf.Scalar, dLogits_RV: tf.Tensor2D] {
  const [rows] = logits_RV.shape;
  const counted_T = tf.logicalAnd(tf.greaterEqual(rows_T, 0), tf.less(rows_T, rows));
  const weights_T = tf.cast(counted_T, 'float32');
  const safe_T = tf.where(counted_T, rows_T, tf.zerosLike(rows_T));
  const counts_R = tf.unsortedSegmentSum(weights_T, safe_T, rows);
  const normal_RV = tf.logSoftmax(logits_RV);
  const places_T2 = tf.stack([safe_T, targets_T], 1);
  const picked_T = tf.gatherND(normal_RV, places_T2);
  const loss = tf.neg(tf.sum(tf.mul(picked_T, weights_T)));
  const softmax_RV = tf.mul(tf.exp(normal_RV), tf.expandDims(counts_R, 1));
  const dLogits_RV = rawOp('TensorScatterSub', [softmax_RV, places_T2, weights_T], {
    T: 'float32',
    Tindices: 'int32',
  })[0]!;
  return [loss as tf.Scalar, dLogits_RV as tf.Tensor2D];
}
