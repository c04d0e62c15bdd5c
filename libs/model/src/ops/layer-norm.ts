import { tf } from '@captrain/engine';
import { withGradient } from './with-gradient.js';

/** Layer normalisation over the last dimension: x_…D, gain_D, bias_D; variance by two passes, as in PyTorch. */
export function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const rows = x.shape.slice(0, -1).map((_, axis) => axis);
  return withGradient(
    { x, gain, bias },
    (save) => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
      const normal = tf.mul(centred, inverseDeviation);
      save([normal, inverseDeviation, gain]);
      return tf.add(tf.mul(normal, gain), bias);
    },
    (dy, [normal, inverseDeviation, savedGain]) => ({
      x: () => {
        const dNormal = tf.mul(dy, savedGain!);
        const along = tf.mul(normal!, tf.mean(tf.mul(dNormal, normal!), -1, true));
        return tf.mul(tf.sub(tf.sub(dNormal, tf.mean(dNormal, -1, true)), along), inverseDeviation!);
      },
      gain: () => tf.sum(tf.mul(dy, normal!), rows),
      bias: () => tf.sum(dy, rows),
    }),
  );
}
