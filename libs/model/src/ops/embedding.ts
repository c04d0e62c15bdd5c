import { hasKernels, rawOp, tf } from '@captrain/engine';
import { withGradient } from './with-gradient.js';

/**
 * Rows of a table by their indices: table_RD and indices of any shape give …D. The gradient adds each row's parts in
 * one op.
 */
export function embedding(table_RD: tf.Tensor, indices: tf.Tensor): tf.Tensor {
  const [rows, width] = table_RD.shape as [number, number];
  const indices_N = tf.reshape(indices, [-1]) as tf.Tensor1D;
  const rows_ND = withGradient(
    { table: table_RD },
    (save) => {
      save([indices_N]);
      return tf.gather(table_RD, indices_N);
    },
    (dy_ND, [saved_N]) => ({
      table: () => tf.unsortedSegmentSum(dy_ND, saved_N as tf.Tensor1D, rows),
    }),
  );
  return tf.reshape(rows_ND, [...indices.shape, width]);
}

/**
 * table_RD with rows_MD added at their indices_M (int32), which may repeat. In a compiled function it takes over the
 * table's memory, where nothing else needs it. No gradient of tfjs's.
 */
export function addRows(table_RD: tf.Tensor, indices_M: tf.Tensor1D, rows_MD: tf.Tensor): tf.Tensor {
  if (hasKernels()) return rawOp('CaptrainAddRows', [table_RD, indices_M, rows_MD])[0]!;
  const indices_M1 = tf.expandDims(indices_M, 1);
  return rawOp('TensorScatterAdd', [table_RD, indices_M1, rows_MD], { T: 'float32', Tindices: 'int32' })[0]!;
}
