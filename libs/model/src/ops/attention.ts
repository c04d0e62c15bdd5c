// B batch, H heads, T query positions, S key positions, N = B·T rows, E width of a head, D = H·E
import { tf } from '@captrain/engine';

/**
 * Softmax attention: queries_BHTE, keys_BHSE and values_BHSE give out_ND, heads side by side. The scores are scaled
 * by `scale`, and `bias` (broadcast over BHTS) is added to them: 0 where a position may be seen, −1e9 where not.
 * `drop`, where given, is dropout of the weights.
 */
export function attention(
  queries_BHTE: tf.Tensor,
  keys_BHSE: tf.Tensor,
  values_BHSE: tf.Tensor,
  scale: number,
  bias?: tf.Tensor,
  drop: (weights_BHTS: tf.Tensor) => tf.Tensor = (weights_BHTS) => weights_BHTS,
): tf.Tensor2D {
  const [batch, heads, positions, width] = queries_BHTE.shape as [number, number, number, number];
  const scores_BHTS = tf.matMul(tf.mul(queries_BHTE, scale), keys_BHSE, false, true);
  const weights_BHTS = tf.softmax(bias === undefined ? scores_BHTS : tf.add(scores_BHTS, bias));
  const out_BHTE = tf.matMul(drop(weights_BHTS), values_BHSE);
  return tf.reshape(tf.transpose(out_BHTE, [0, 2, 1, 3]), [batch * positions, heads * width]);
}

/** Cuts x_N(nD), n tensors side by side for the rows of a batch, into n tensors BHTE. */
export function splitHeads(x: tf.Tensor, batch: number, parts: number, heads: number): tf.Tensor[] {
  const [rows, width] = x.shape as [number, number];
  const [positions, headWidth] = [rows / batch, width / parts / heads];
  // tfjs has no gradient for a list of one.
  if (parts === 1) return [tf.transpose(tf.reshape(x, [batch, positions, heads, headWidth]), [0, 2, 1, 3])];
  const split = tf.reshape(x, [batch, positions, parts, heads, headWidth]);
  return tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]));
}

/** What hides the future: bias_TS for T queries that stand at the end of S positions. */
export function causalBias(queries: number, positions: number): tf.Tensor2D {
  const past = positions - queries;
  const values = new Float32Array(queries * positions);
  for (let row = 0; row < queries; row++)
    values.fill(-1e9, row * positions + past + row + 1, (row + 1) * positions);
  return tf.tensor2d(values, [queries, positions]);
}
