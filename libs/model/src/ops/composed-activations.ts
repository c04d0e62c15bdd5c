import { rawOp, tf } from '@captrain/engine';
import { withGradient } from './with-gradient.js';

/** Activations composed of TensorFlow's ops, by the names of the engine's kernels. */
export const COMPOSED_ACTIVATIONS = {
  relu,
  tanh: (x: tf.Tensor) => tf.tanh(x),
  sigmoid: (x: tf.Tensor) => tf.sigmoid(x),
  gelu: geluExact,
  gelu_new: geluTanh,
  quick_gelu: (x: tf.Tensor) => sigmoidWeighted(x, 1.702),
  silu: (x: tf.Tensor) => sigmoidWeighted(x, 1),
} as const;
export type ActivationKind = keyof typeof COMPOSED_ACTIVATIONS;

/** tfjs's own gradient of relu takes five ops; TensorFlow's takes one. */
function relu(x: tf.Tensor): tf.Tensor {
  return withGradient(
    { x },
    (save) => {
      const y = tf.relu(x);
      save([y]);
      return y;
    },
    (dy, [y]) => ({ x: () => rawOp('ReluGrad', [dy, y!])[0]! }),
  );
}

const SCALE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): GPT-2's own. */
function geluTanh(x: tf.Tensor): tf.Tensor {
  return withGradient(
    { x },
    (save) => {
      const slope = tf.add(tf.mul(tf.square(x), SCALE * CUBIC), SCALE);
      const tanh = tf.tanh(tf.mul(x, slope));
      save([x, tanh]);
      return tf.mul(tf.mul(x, 0.5), tf.add(tanh, 1));
    },
    (dy, [savedX, tanh]) => ({
      x: () => {
        const slope = tf.add(tf.mul(tf.square(savedX!), 3 * SCALE * CUBIC), SCALE);
        const bend = tf.mul(tf.mul(savedX!, slope), tf.sub(1, tf.square(tanh!)));
        return tf.mul(tf.mul(dy, 0.5), tf.add(tf.add(tanh!, 1), bend));
      },
    }),
  );
}

/** x · Φ(x), with the error function. */
function geluExact(x: tf.Tensor): tf.Tensor {
  return withGradient(
    { x },
    (save) => {
      const cumulative = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
      save([x, cumulative]);
      return tf.mul(x, cumulative);
    },
    (dy, [savedX, cumulative]) => ({
      x: () => {
        const density = tf.mul(tf.exp(tf.mul(tf.square(savedX!), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return tf.mul(dy, tf.add(cumulative!, tf.mul(savedX!, density)));
      },
    }),
  );
}

/** x · σ(factor · x). */
function sigmoidWeighted(x: tf.Tensor, factor: number): tf.Tensor {
  return withGradient(
    { x },
    (save) => {
      const gate = tf.sigmoid(tf.mul(x, factor));
      save([x, gate]);
      return tf.mul(x, gate);
    },
    (dy, [savedX, gate]) => ({
      x: () => {
        const slope = tf.mul(tf.mul(savedX!, factor), tf.sub(1, gate!));
        return tf.mul(dy, tf.mul(gate!, tf.add(slope, 1)));
      },
    }),
  );
}
