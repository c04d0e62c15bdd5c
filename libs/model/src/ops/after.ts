import { rawOp, tf } from '@captrain/engine';

/**
 * x (of at least one dimension), computed once `other` is there, though no value of that is in it. In a compiled function
 * nothing but data orders ops, and what can run does: what is to take memory later than that must wait for something.
 */
export function after(x: tf.Tensor, other: tf.Tensor): tf.Tensor {
  const one = tf.slice(tf.reshape(other, [-1]), 0, 1);
  return rawOp('SelectV2', [tf.scalar(true, 'bool'), x, one])[0]!;
}
