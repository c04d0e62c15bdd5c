import { tf } from '@captrain/engine';
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
