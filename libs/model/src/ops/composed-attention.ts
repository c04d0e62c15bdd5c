// N rows, S segments, H heads
import { tf } from '@captrain/engine';
import { attention, splitHeads } from './attention.js';
import type { PackedAttention, PackedParts } from './packed-attention.js';

/**
 * What `packedAttention` computes, of TensorFlow's ops: dense attention of all rows with a mask made of the segments.
 * Exact, and wasteful: H·N² scores instead of those that are seen (at N = 500 and 12 heads, 12 MB for each of the
 * tensors of scores that a layer keeps). Nothing is read back, so it can be recorded. Segments are not checked. `drop`,
 * where given, is dropout of the weights.
 */
export function composedAttention(
  parts: PackedParts,
  segments: tf.Tensor2D,
  { heads, scale, causal }: PackedAttention,
  drop?: (weights_1HNN: tf.Tensor) => tf.Tensor,
): tf.Tensor2D {
  const [queries, keys, values] =
    parts instanceof tf.Tensor
      ? splitHeads(parts, 1, 3, heads)
      : [...splitHeads(parts.queries, 1, 1, heads), ...splitHeads(parts.keysValues, 1, 2, heads)];
  const visible_NN = visibleRows(segments, queries!.shape[2]!, causal);
  const bias_NN = tf.mul(tf.sub(visible_NN, 1), 1e9);
  const attended_ND = attention(queries!, keys!, values!, scale, bias_NN, drop);
  return tf.mul(attended_ND, tf.max(visible_NN, 1, true));
}

/** visible_NN: 1 where the row sees the column's, else 0. */
function visibleRows(segments: tf.Tensor2D, rows: number, causal: boolean): tf.Tensor2D {
  const forest = segments.shape[1] === 3;
  const columns = tf.split(segments, segments.shape[1], 1);
  const row_N = tf.range(0, rows, 1, 'int32');
  const rowsIn = (first_S1: tf.Tensor, end_S1: tf.Tensor) =>
    tf.cast(
      tf.logicalAnd(tf.greaterEqual(row_N, first_S1), tf.less(row_N, end_S1)),
      'float32',
    ) as tf.Tensor2D;
  const own_SN = rowsIn(columns[0]!, columns[1]!);
  const seen_SN = forest ? tf.matMul(ancestors(columns[2]!), own_SN) : rowsIn(columns[2]!, columns[3]!);
  const seen_NN = tf.matMul(own_SN, seen_SN, true, false);
  if (!causal && !forest) return seen_NN as tf.Tensor2D;
  const own_NN: tf.Tensor = tf.matMul(own_SN, own_SN, true, false);
  const past_NN: tf.Tensor = tf.cast(tf.lessEqual(row_N, tf.expandDims(row_N, 1)), 'float32');
  return tf.add(seen_NN, causal ? tf.mul(own_NN, past_NN) : own_NN) as tf.Tensor2D;
}

/** ancestors_SS: 1 where the column's segment is an ancestor of the row's, by doubling the steps. */
function ancestors(parents_S1: tf.Tensor): tf.Tensor2D {
  const segments = parents_S1.shape[0]!;
  let steps_SS = tf.cast(tf.equal(parents_S1, tf.range(0, segments, 1, 'int32')), 'float32') as tf.Tensor2D;
  let found_SS: tf.Tensor2D = steps_SS;
  for (let reach = 1; reach < segments; reach *= 2) {
    found_SS = tf.add(found_SS, tf.matMul(steps_SS, found_SS)) as tf.Tensor2D;
    steps_SS = tf.matMul(steps_SS, steps_SS);
  }
  return found_SS;
}
