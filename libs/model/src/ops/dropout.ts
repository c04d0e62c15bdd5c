import { hasKernels, rawOp, tf } from '@captrain/engine';
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

/** The seed of all masks of a pass, int32[2]: bits of a digest, so that neighbouring keys have nothing in common. */
export function dropoutSeed({ seed, step, microbatch }: DropoutKey): Int32Array {
  return bitsOf(`dropout\n${seed}\n${step}\n${microbatch}`);
}

/**
 * Inverted dropout: each value of x is 0 with probability `rate`, and 1/(1 − rate) times itself otherwise. The mask is
 * a pure function of seed, place and shape, drawn by TensorFlow's counter-based generator (Philox), whose bits do not
 * depend on the number of threads. `place` names the spot in the model, so that no two share a mask. Without a seed, and
 * with rate 0, it is x itself. Source: Srivastava et al. 2014.
 */
export function dropout(
  x: tf.Tensor,
  rate: number,
  seed_2: tf.Tensor1D | undefined,
  place: string,
): tf.Tensor {
  if (seed_2 === undefined || rate === 0) return x;
  return (hasKernels() ? byKernel : composedDropout)(x, rate, seedAt(seed_2, place));
}

/** Nothing is kept for the gradient but the seed: to draw the mask again costs less than to read it. */
function byKernel(x: tf.Tensor, rate: number, seed_2: tf.Tensor1D): tf.Tensor {
  const attributes = { rate: { float: rate }, scale: { float: 1 / (1 - rate) } };
  const masked = (values: tf.Tensor, seed: tf.Tensor) =>
    rawOp('CaptrainDropout', [values, seed], attributes)[0]!;
  return withGradient(
    { x },
    (save) => {
      save([seed_2]);
      return masked(x, seed_2);
    },
    (dy, [saved_2]) => ({ x: () => masked(dy, saved_2!) }),
  );
}

/**
 * The same bits of TensorFlow's ops. The mask is kept for the gradient as one byte a value, a quarter of one activation:
 * drawing it again would cost more time (4 % of a step on two cores) than it saves memory.
 */
export function composedDropout(x: tf.Tensor, rate: number, seed_2: tf.Tensor1D): tf.Tensor {
  const scale = 1 / (1 - rate);
  const masked = (values: tf.Tensor, kept: tf.Tensor) =>
    rawOp('SelectV2', [kept, tf.mul(values, scale), tf.scalar(0)])[0]!;
  return withGradient(
    { x },
    (save) => {
      const kept = tf.greaterEqual(uniform(x.shape, seed_2), rate);
      save([kept]);
      return masked(x, kept);
    },
    (dy, [kept]) => ({ x: () => masked(dy, kept!) }),
  );
}

/** The generator's seed at a place: the pass's, with bits of the place's name turned over. */
export function seedAt(seed_2: tf.Tensor1D, place: string): tf.Tensor1D {
  return rawOp('BitwiseXor', [seed_2, tf.tensor1d(bitsOf(place), 'int32')])[0] as tf.Tensor1D;
}

function bitsOf(text: string): Int32Array {
  const digest = Buffer.from(sha256(text), 'hex');
  return Int32Array.of(digest.readInt32LE(0), digest.readInt32LE(4));
}

/** Values uniform in [0, 1). */
function uniform(shape: readonly number[], seed_2: tf.Tensor1D): tf.Tensor {
  const inputs = [tf.tensor1d([...shape], 'int32'), seed_2];
  return rawOp('StatelessRandomUniform', inputs, { T: 'int32', Tseed: 'int32', dtype: 'float32' })[0]!;
}
