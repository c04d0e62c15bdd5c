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
 * The same where a row may have several targets (captions that go on differently after the same words), or none:
 * targets_T (int32) are ids, and rows_T (int32, ascending) the rows of logits_RV that they belong to.
 */
export function groupedCrossEntropy(
  logits_RV: tf.Tensor,
  rows_T: tf.Tensor,
  targets_T: tf.Tensor,
): tf.Scalar {
  const way = hasKernels() ? byKernel : composedGroups;
  return summed(logits_RV, () => way(logits_RV, rows_T, targets_T));
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
  const [logSoftmax_RV] = rawOp('LogSoftmax', [logits_RV]) as [tf.Tensor];
  const places_T2 = tf.stack([rows_T, targets_T], 1);
  const loss_T = tf.neg(tf.gatherND(logSoftmax_RV, places_T2));
  const ones_T = tf.ones(targets_T.shape);
  const count_R = tf.unsortedSegmentSum(ones_T, rows_T as tf.Tensor1D, rows);
  const expected_RV = tf.mul(tf.exp(logSoftmax_RV), tf.reshape(count_R, [rows, 1]));
  const gradient_RV = rawOp('TensorScatterSub', [expected_RV, places_T2, ones_T])[0]!;
  return [loss_T, gradient_RV];
}
