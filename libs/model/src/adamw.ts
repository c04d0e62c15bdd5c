import { type BackgroundCopy, hasKernels, type tf } from '@captrain/engine';
import { ComposedUpdate } from './adamw/composed-update.js';
import { KernelUpdate } from './adamw/kernel-update.js';
import type { Gradient, Moment, Moments, ParameterRange } from './adamw/update.js';
import type { OptimizerConfig } from './config.js';

/** AdamW's state of a flat layout: the updates done, and the running means of gradients and of their squares. */
export interface AdamWState {
  step: number;
  m: Float32Array;
  v: Float32Array;
}

/**
 * AdamW over variables in their given order, in the form of transformers' optimizer, which the reference uses: bias
 * correction in the step size, epsilon added to the uncorrected root, then decoupled decay; all parameters alike,
 * biases and layer norms too. Elementwise float32, so equal inputs give equal bits, by the engine's kernel (which changes
 * the variables in place) as by TensorFlow's ops. `close()` frees the state.
 * Source: Loshchilov and Hutter 2019; transformers' optimization.py, class AdamW.
 */
export class AdamW {
  #step = 0;
  readonly #moments: Moments;
  readonly #length: number;

  /** `composed`: by TensorFlow's ops also where there is a kernel. */
  constructor(
    private readonly variables: readonly tf.Variable[],
    readonly config: Pick<OptimizerConfig, 'weightDecay' | 'beta1' | 'beta2' | 'epsilon'>,
    { composed = false }: { composed?: boolean } = {},
  ) {
    this.#length = variables.reduce((sum, variable) => sum + variable.size, 0);
    this.#moments = new (composed || !hasKernels() ? ComposedUpdate : KernelUpdate)(variables);
  }

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * One update by `scale` × gradient. The gradient is flat, in the order of the variables, or one tensor for each of
   * them (which stay the caller's). Throws where it does not fit the parameters.
   */
  apply(gradient: Gradient, { scale = 1, learningRate }: { scale?: number; learningRate: number }): void {
    this.#check(gradient);
    this.#step += 1;
    const { beta1, beta2, epsilon, weightDecay } = this.config;
    const correction = Math.sqrt(1 - beta2 ** this.#step) / (1 - beta1 ** this.#step);
    this.#moments.update(gradient, {
      scale,
      stepSize: learningRate * correction,
      beta1,
      beta2,
      epsilon,
      decay: 1 - learningRate * weightDecay,
    });
  }

  #check(gradient: Gradient): void {
    if (gradient instanceof Float32Array) {
      if (gradient.length !== this.#length)
        throw new Error(`a gradient of ${gradient.length} values for ${this.#length} parameters`);
      return;
    }
    if (gradient.length !== this.variables.length)
      throw new Error(`${gradient.length} gradients for ${this.variables.length} parameters`);
    for (const [index, { size }] of gradient.entries())
      if (size !== this.variables[index]!.size)
        throw new Error(`gradient ${index} has ${size} values for ${this.variables[index]!.size} parameters`);
  }

  /** Copies the moments into arrays as long as all parameters, flat in the order of the variables; only those given. */
  copyMoments({ m, v }: { m?: Float32Array; v?: Float32Array }): void {
    this.#moments.write(m, v);
  }

  /**
   * Starts to copy one moment of some parameters (whole ones, at [first, end) of the flat array) into an array of their
   * length. What is copied is the present state if `wait` is called before the next update.
   */
  copyInBackground(moment: Moment, range: ParameterRange, into: Float32Array): BackgroundCopy {
    return this.#moments.copyInBackground(moment, range, into);
  }

  /** One moment: flat, tensor behind tensor, in the order of the variables. They stay the optimizer's. */
  momentTensors(moment: Moment): readonly tf.Tensor[] {
    return this.#moments.tensors(moment);
  }

  /** A copy of the state, flat in the order of the variables. */
  exportState(): AdamWState {
    const state = { step: this.#step, m: new Float32Array(this.#length), v: new Float32Array(this.#length) };
    this.copyMoments(state);
    return state;
  }

  /** Takes a copy of a state that `exportState` gave for the same layout. */
  importState({ step, m, v }: AdamWState): void {
    if (m.length !== this.#length || v.length !== this.#length)
      throw new Error(`an AdamW state of ${m.length} values for ${this.#length} parameters`);
    this.#step = step;
    this.#moments.read(m, v);
  }

  close(): void {
    this.#moments.close();
  }
}
