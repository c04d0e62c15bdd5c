// provisional
import { tf } from '@captrain/engine';
import { attention, splitHeads } from './attention.js';
export function packedAttention(
  qkv: tf.Tensor,
  segments_S3: tf.Tensor2D,
  { heads, scale, causal }: { heads: number; scale: number; causal: boolean },
): tf.Tensor {
  const rows = qkv.shape[0]!;
  const S = segments_S3.shape[0];
  const [first, end, parent] = tf.split(tf.cast(segments_S3, 'float32'), 3, 1) as tf.Tensor[];
  const index = tf.range(0, rows);
  const own_SN = tf.cast(tf.logicalAnd(tf.greaterEqual(index, first!), tf.less(index, end!)), 'float32');
  const seg = tf.range(0, S);
  let step_SS = tf.cast(tf.equal(parent!, tf.expandDims(seg, 0)), 'float32');
  let seen_SS: tf.Tensor = step_SS;
  for (let i = 1; i < S; i *= 2) {
    seen_SS = tf.minimum(tf.add(seen_SS, tf.matMul(step_SS, seen_SS as tf.Tensor2D)), 1);
    step_SS = tf.minimum(tf.matMul(step_SS, step_SS), 1);
  }
  const seen_SN = tf.matMul(seen_SS as tf.Tensor2D, own_SN as tf.Tensor2D);
  let allowed = tf.matMul(own_SN as tf.Tensor2D, seen_SN, true, false);
  if (causal)
    allowed = tf.add(
      allowed,
      tf.mul(
        tf.matMul(own_SN as tf.Tensor2D, own_SN as tf.Tensor2D, true, false),
        tf.cast(tf.lessEqual(tf.expandDims(index, 0), tf.expandDims(index, 1)), 'float32'),
      ),
    );
  const bias = tf.mul(tf.sub(tf.minimum(allowed, 1), 1), 1e9);
  const parts = splitHeads(qkv, 1, 3, heads);
  return attention(parts[0]!, parts[1]!, parts[2]!, scale, tf.reshape(bias, [1, 1, rows, rows]));
}
