// provisional
import { tf } from '@captrain/engine';
import { attention, splitHeads } from './attention.js';
export function packedAttention(
  qkv: tf.Tensor,
  segments_S4: tf.Tensor2D,
  { heads, scale, causal }: { heads: number; scale: number; causal: boolean },
): tf.Tensor {
  const rows = qkv.shape[0]!;
  const [first, end, seenFirst, seenEnd] = tf.split(tf.cast(segments_S4, 'float32'), 4, 1) as tf.Tensor[];
  const index = tf.range(0, rows);
  const within = (a: tf.Tensor, b: tf.Tensor) =>
    tf.cast(tf.logicalAnd(tf.greaterEqual(index, a), tf.less(index, b)), 'float32'); // S,N
  const own = within(first!, end!);
  const seen = within(seenFirst!, seenEnd!);
  let allowed = tf.matMul(own, seen, true, false);
  if (causal)
    allowed = tf.add(
      allowed,
      tf.mul(
        tf.matMul(own, own, true, false),
        tf.cast(tf.lessEqual(tf.expandDims(index, 0), tf.expandDims(index, 1)), 'float32'),
      ),
    );
  const bias = tf.mul(tf.sub(tf.minimum(allowed, 1), 1), 1e9);
  const parts = splitHeads(qkv, 1, 3, heads);
  return attention(parts[0]!, parts[1]!, parts[2]!, scale, tf.reshape(bias, [1, 1, rows, rows]));
}
