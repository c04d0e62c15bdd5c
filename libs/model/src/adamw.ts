import { tf } from '@captrain/engine';
import type { OptimizerConfig } from './config.js';

/** Consecutive parameters are updated together up to this many values: few ops for small models, little memory for large. */
const GROUP_VALUES = 1 << 22;

/** AdamW's state of a flat layout: the updates done, and the running means of gradients and of their squares. */
export interface AdamWState {
  step: number;
  m: Float32Array;
  v: Float32Array;
}

interface Group {
  variables: tf.Variable[];
  offset: number;
  length: number;
  mean: tf.Variable;
  square: tf.Variable;
}

/**
 * AdamW over variables in their given order, in the form of transformers' optimizer, which the reference uses: bias
 * correction in the step size, epsilon added to the uncorrected root, then decoupled decay; all parameters alike,
 * biases and layer norms too. Elementwise float32, so equal inputs give equal bits. `close()` frees the state.
 * Source: Loshchilov and Hutter 2019; transformers' optimization.py, class AdamW.
 */
export class AdamW {
  #step = 0;
  readonly #groups: Group[] = [];
  readonly #length: number;

  constructor(
    variables: readonly tf.Variable[],
    readonly config: Pick<OptimizerConfig, 'weightDecay' | 'beta1' | 'beta2' | 'epsilon'>,
  ) {
    let offset = 0;
    let group: tf.Variable[] = [];
    const finish = () => {
      if (group.length === 0) return;
      const length = group.reduce((sum, variable) => sum + variable.size, 0);
      const [mean, square] = [zeros(length), zeros(length)];
      this.#groups.push({ variables: group, offset, length, mean, square });
      offset += length;
      group = [];
    };
    let size = 0;
    for (const variable of variables) {
      if (size + variable.size > GROUP_VALUES) {
        finish();
        size = 0;
      }
      group.push(variable);
      size += variable.size;
    }
    finish();
    this.#length = offset;
  }

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * One update by `scale` × gradient. The gradient is flat, in the order of the variables, or one tensor for each of
   * them (which stay the caller's).
   */
  apply(
    gradient: Float32Array | readonly tf.Tensor[],
    { scale = 1, learningRate }: { scale?: number; learningRate: number },
  ): void {
    const flat = gradient instanceof Float32Array;
    if (flat && gradient.length !== this.#length)
      throw new Error(`a gradient of ${gradient.length} values for ${this.#length} parameters`);
    this.#step += 1;
    let first = 0;
    for (const group of this.#groups) {
      const tensors = flat ? undefined : gradient.slice(first, first + group.variables.length);
      first += group.variables.length;
      tf.tidy(() => {
        const gradient_N = flat
          ? tf.tensor1d(gradient.subarray(group.offset, group.offset + group.length), 'float32')
          : joined(tensors!);
        this.#update(group, tf.mul(gradient_N, scale), learningRate);
      });
    }
  }

  #update(group: Group, gradient_N: tf.Tensor, learningRate: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.config;
    const correction = Math.sqrt(1 - beta2 ** this.#step) / (1 - beta1 ** this.#step);
    const mean_N = tf.add(tf.mul(group.mean, beta1), tf.mul(gradient_N, 1 - beta1));
    const square_N = tf.add(tf.mul(group.square, beta2), tf.mul(tf.square(gradient_N), 1 - beta2));
    group.mean.assign(mean_N as tf.Tensor1D);
    group.square.assign(square_N as tf.Tensor1D);
    const change_N = tf.div(tf.mul(mean_N, learningRate * correction), tf.add(tf.sqrt(square_N), epsilon));
    let values_N = tf.sub(joined(group.variables), change_N);
    if (weightDecay > 0) values_N = tf.mul(values_N, 1 - learningRate * weightDecay);
    const parts = tf.split(
      values_N,
      group.variables.map((variable) => variable.size),
    );
    group.variables.forEach((variable, index) => variable.assign(tf.reshape(parts[index]!, variable.shape)));
  }

  /** A copy of the state, flat in the order of the variables. */
  exportState(): AdamWState {
    const m = new Float32Array(this.#length);
    const v = new Float32Array(this.#length);
    for (const { offset, mean, square } of this.#groups) {
      m.set(mean.dataSync(), offset);
      v.set(square.dataSync(), offset);
    }
    return { step: this.#step, m, v };
  }

  /** Takes a copy of a state that `exportState` gave for the same layout. */
  importState({ step, m, v }: AdamWState): void {
    if (m.length !== this.#length || v.length !== this.#length)
      throw new Error(`an AdamW state of ${m.length} values for ${this.#length} parameters`);
    this.#step = step;
    for (const { offset, length, mean, square } of this.#groups)
      tf.tidy(() => {
        mean.assign(tf.tensor1d(m.slice(offset, offset + length)));
        square.assign(tf.tensor1d(v.slice(offset, offset + length)));
      });
  }

  close(): void {
    for (const group of this.#groups) tf.dispose([group.mean, group.square]);
  }
}

function zeros(length: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros([length])));
}

function joined(tensors: readonly tf.Tensor[]): tf.Tensor {
  const flat = tensors.map((tensor) => tf.reshape(tensor, [-1]) as tf.Tensor1D);
  return flat.length === 1 ? flat[0]! : tf.concat(flat);
}
