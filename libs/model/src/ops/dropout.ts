import { rawOp, tf } from '@captrain/engine';
import { sha256 } from '@captrain/runtime';
import { withGradient } from './with-gradient.js';

/** What the random masks of one forward and backward pass are a function of. */
export interface DropoutKey {
  /** The run's seed. */
  seed: number;
  /** The update, and the microbatch within it: never who computes it. */
  step: number;
  microbatch: number;
}

/**
 * Inverted dropout: each value of x is 0 with probability `rate`, and 1/(1 − rate) times itself otherwise. The mask is
 * a pure function of key, place and shape, drawn by TensorFlow's counter-based generator (Philox), whose bits do not
 * depend on the number of threads. `place` names the spot in the model, so that no two share a mask. Without a key, and
 * with rate 0, it is x itself. The mask is kept for the gradient as one byte a value, a quarter of one activation:
 * drawing it again would cost more time (4 % of a step on two cores) than it saves memory. Source: Srivastava et al. 2014.
 */
export function dropout(x: tf.Tensor, rate: number, key: DropoutKey | undefined, place: string): tf.Tensor {
  if (key === undefined || rate === 0) return x;
  const scale = 1 / (1 - rate);
  const masked = (values: tf.Tensor, kept: tf.Tensor) =>
    rawOp('SelectV2', [kept, tf.mul(values, scale), tf.scalar(0)])[0]!;
  return withGradient(
    { x },
    (save) => {
      const kept = tf.greaterEqual(uniform(x.shape, seedOf(key, place)), rate);
      save([kept]);
      return masked(x, kept);
    },
    (dy, [kept]) => ({ x: () => masked(dy, kept!) }),
  );
}

/** The generator's seed: 64 bits of a digest, so that neighbouring keys have nothing in common. */
export function seedOf({ seed, step, microbatch }: DropoutKey, place: string): Int32Array {
  const digest = Buffer.from(sha256(`dropout\n${seed}\n${step}\n${microbatch}\n${place}`), 'hex');
  return Int32Array.of(digest.readInt32LE(0), digest.readInt32LE(4));
}

/** Values uniform in [0, 1). */
function uniform(shape: readonly number[], seed: Int32Array): tf.Tensor {
  const inputs = [tf.tensor1d([...shape], 'int32'), tf.tensor1d(seed, 'int32')];
  return rawOp('StatelessRandomUniform', inputs, { T: 'int32', Tseed: 'int32', dtype: 'float32' })[0]!;
}
