import { hasKernels, rawOp, tf } from '@captrain/engine';
import { meanOfLast, sumToLast } from './raw.js';
import { withGradient } from './with-gradient.js';

/** Layer normalisation over the last dimension: x_…D, gain_D, bias_D; variance by two passes, as in PyTorch. */
export function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  return (hasKernels() ? byKernel : composedLayerNorm)(x, gain, bias, epsilon);
}

/** x, and mean and deviation of its rows, are kept; each gradient is an op of its own, so frozen gains cost nothing. */
function byKernel(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  return withGradient(
    { x, gain, bias },
    (save) => {
      const [y, mean, rstd] = rawOp('CaptrainLayerNorm', [x, gain, bias], { epsilon: { float: epsilon } }, 3);
      save([x, gain, mean!, rstd!]);
      return y!;
    },
    (dy, [savedX, savedGain, mean, rstd]) => ({
      x: () => rawOp('CaptrainLayerNormGrad', [dy, savedX!, savedGain!, mean!, rstd!])[0]!,
      gain: () => rawOp('CaptrainLayerNormGainGrad', [dy, savedX!, mean!, rstd!])[0]!,
      bias: () => sumToLast(dy),
    }),
  );
}

/** The same of TensorFlow's ops. */
export function composedLayerNorm(
  x: tf.Tensor,
  gain: tf.Tensor,
  bias: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  return withGradient(
    { x, gain, bias },
    (save) => {
      const centred = tf.sub(x, meanOfLast(x));
      const inverseDeviation = tf.rsqrt(tf.add(meanOfLast(tf.square(centred)), epsilon));
      const normal = tf.mul(centred, inverseDeviation);
      save([normal, inverseDeviation, gain]);
      return tf.add(tf.mul(normal, gain), bias);
    },
    (dy, [normal, inverseDeviation, savedGain]) => ({
      x: () => {
        const dNormal = tf.mul(dy, savedGain!);
        const along = tf.mul(normal!, meanOfLast(tf.mul(dNormal, normal!)));
        return tf.mul(tf.sub(tf.sub(dNormal, meanOfLast(dNormal)), along), inverseDeviation!);
      },
      gain: () => sumToLast(tf.mul(dy, normal!)),
      bias: () => sumToLast(dy),
    }),
  );
}
