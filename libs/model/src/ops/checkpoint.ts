import { dropTape, tf } from '@captrain/engine';
import { withGradient } from './with-gradient.js';

/** tfjs's engine, as far as a gradient within a gradient needs it. */
interface GradientEngine {
  state: { activeTape: unknown };
  gradients(
    f: () => tf.Tensor,
    xs: readonly tf.Tensor[],
    dy: tf.Tensor,
    allowNoGradients: boolean,
  ): { grads: (tf.Tensor | undefined)[] };
}

/**
 * `block(x)` (x of at least one dimension), of whose values none is kept for the gradient but x: in the backward pass the block runs again. `trained`
 * are the tensors beside x that the block reads and whose gradient will be asked for; others in the block have none. What
 * else the block reads must still be there in the backward pass, and the same (a dropout's seed), so that it gives the
 * same bits again. The gradient is that of the first order only. Source: Chen et al. 2016, "Training Deep Nets with
 * Sublinear Memory Cost".
 */
export function checkpoint(
  block: (x: tf.Tensor) => tf.Tensor,
  x: tf.Tensor,
  trained: readonly tf.Tensor[],
): tf.Tensor {
  const names = ['x', ...trained.map((_, index) => `trained${index}`)];
  const inputs = Object.fromEntries([x, ...trained].map((tensor, index) => [names[index]!, tensor]));
  return withGradient(
    inputs,
    (save) => {
      save([x]);
      return block(x);
    },
    (dy, [saved]) => {
      const gradients = tf.tidy(() => gradientsAgain(block, saved!, trained, dy));
      return Object.fromEntries(names.map((name, index) => [name, () => gradients[index]!]));
    },
  );
}

function gradientsAgain(
  block: (x: tf.Tensor) => tf.Tensor,
  x: tf.Tensor,
  trained: readonly tf.Tensor[],
  dy: tf.Tensor,
): tf.Tensor[] {
  // A tensor of its own: x is in the outer gradient, too.
  const again = tf.clone(x);
  const inputs = [again, ...trained];
  const engine = tf.engine() as unknown as GradientEngine;
  // tfjs drops the tape with the end of any gradient, and goes through it with the end of the outer one.
  const { activeTape } = engine.state;
  try {
    const { grads } = engine.gradients(() => block(again), inputs, dy, true);
    return inputs.map((input, index) => grads[index] ?? tf.zerosLike(input));
  } catch (error) {
    // Its own tape; the outer one is the outer gradient's to free.
    dropTape();
    throw error;
  } finally {
    engine.state.activeTape = activeTape;
  }
}
