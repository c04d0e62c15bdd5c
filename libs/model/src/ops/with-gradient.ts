import { tf } from '@captrain/engine';

type Inputs = Record<string, tf.Tensor>;

/** Keeps tensors that the gradient needs until it has been computed. */
export type Save = (tensors: tf.Tensor[]) => void;

interface KernelRunner {
  runKernelFunc(call: {
    inputs: Inputs;
    forwardFunc: (backend: unknown, save: Save) => tf.Tensor;
    backwardsFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
  }): tf.Tensor;
}

/**
 * Runs `forward` as one operation with a gradient of its own. `backward` gives, for each input, a function that makes
 * its gradient; only those that someone needs are called, so frozen weights cost nothing. (tfjs's `customGrad` makes
 * the gradients of all inputs, and is itself written over the engine function called here.)
 */
export function withGradient<I extends Inputs>(
  inputs: I,
  forward: (save: Save) => tf.Tensor,
  backward: (dy: tf.Tensor, saved: tf.Tensor[]) => Record<keyof I & string, () => tf.Tensor>,
): tf.Tensor {
  const engine = tf.engine() as unknown as KernelRunner;
  return engine.runKernelFunc({
    inputs,
    forwardFunc: (_, save) => forward(save),
    backwardsFunc: backward,
  });
}
