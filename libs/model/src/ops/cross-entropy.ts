import { hasKernels, rawOp, tf } from '@captrain/engine';
import { withGradient } from './with-gradient.js';

/**
 * The sum over rows of the cross-entropy (nats) of softmax(logits_NV) against the target ids_N (int32), as a scalar.
 * One op gives loss and gradient: no one-hot targets, no separate softmax.
 */
export function sumCrossEntropy(logits_NV: tf.Tensor, targets_N: tf.Tensor): tf.Scalar {
  const composed = () =>
    rawOp(
      'SparseSoftmaxCrossEntropyWithLogits',
      [logits_NV, targets_N],
      { T: 'float32', Tlabels: 'int32' },
      2,
    );
  const rows = () => tf.range(0, logits_NV.shape[0]!, 1, 'int32');
  return summed(logits_NV, hasKernels() ? () => byKernel(logits_NV, rows(), targets_N) : composed);
}

/**
 * The cross-entropy (nats) of rows that have any number of targets each (captions that go on differently after the same
 * words), summed, and its gradient: target t, an id, is to be predicted by row `rows_T[t]` (both int32) of logits_RV.
 * Rows ascend; targets whose row is none of R are passed over. The softmax of a row is computed once, whatever its
 * targets. Returns the loss, a scalar, and dLogits_RV, which may take over the logits' memory.
 */
export function groupedCrossEntropy(
  logits_RV: tf.Tensor2D,
  targets: { rows_T: tf.Tensor1D; targets_T: tf.Tensor1D },
): [loss: tf.Scalar, dLogits_RV: tf.Tensor2D] {
  const way = hasKernels() ? byKernel : composedGroups;
  const [loss, dLogits_RV] = way(logits_RV, targets.rows_T, targets.targets_T);
  return [tf.sum(loss!), dLogits_RV as tf.Tensor2D];
}

/** A function of the logits that gives losses of any shape, summed, and beside them its gradient. */
function summed(logits: tf.Tensor, lossAndGradient: () => tf.Tensor[]): tf.Scalar {
  return withGradient(
    { logits },
    (save) => {
      const [loss, gradient] = lossAndGradient();
      save([gradient!]);
      return tf.sum(loss!);
    },
    (dy, [gradient]) => ({ logits: () => tf.mul(gradient!, dy) }),
  ) as tf.Scalar;
}

function byKernel(logits_RV: tf.Tensor, rows_T: tf.Tensor, targets_T: tf.Tensor): tf.Tensor[] {
  return rawOp('CaptrainCrossEntropy', [logits_RV, rows_T, targets_T], {}, 2);
}

/** By TensorFlow's ops: loss_T and gradient_RV = targets of the row · softmax − what each target counts. */
export function composedGroups(logits_RV: tf.Tensor, rows_T: tf.Tensor, targets_T: tf.Tensor): tf.Tensor[] {
  const rows = logits_RV.shape[0]!;
  const counted_T = tf.logicalAnd(tf.greaterEqual(rows_T, 0), tf.less(rows_T, rows));
  const weights_T = tf.cast(counted_T, 'float32');
  const safe_T = tf.where(counted_T, rows_T, tf.zerosLike(rows_T)) as tf.Tensor1D;
  const [logSoftmax_RV] = rawOp('LogSoftmax', [logits_RV]) as [tf.Tensor];
  const places_T2 = tf.stack([safe_T, targets_T], 1);
  const loss_T = tf.neg(tf.mul(tf.gatherND(logSoftmax_RV, places_T2), weights_T));
  const count_R = tf.unsortedSegmentSum(weights_T, safe_T, rows);
  const expected_RV = tf.mul(tf.exp(logSoftmax_RV), tf.reshape(count_R, [rows, 1]));
  const gradient_RV = rawOp('TensorScatterSub', [expected_RV, places_T2, weights_T])[0]!;
  return [loss_T, gradient_RV];
}
