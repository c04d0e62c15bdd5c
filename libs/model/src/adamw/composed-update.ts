import { type BackgroundCopy, tf } from '@captrain/engine';
import type { Gradient, Moment, Moments, ParameterRange, UpdateFactors } from './update.js';

/** Consecutive parameters are updated together up to this many values: few ops for small models, little memory for large. */
const GROUP_VALUES = 1 << 22;

interface Group {
  variables: tf.Variable[];
  offset: number;
  length: number;
  mean: tf.Variable;
  square: tf.Variable;
}

/** By TensorFlow's ops, on any device, group by group. */
export class ComposedUpdate implements Moments {
  readonly #groups: Group[];

  constructor(variables: readonly tf.Variable[]) {
    let offset = 0;
    this.#groups = groupsOf(variables).map((group) => {
      const length = group.reduce((sum, variable) => sum + variable.size, 0);
      offset += length;
      return {
        variables: group,
        offset: offset - length,
        length,
        mean: zeros(length),
        square: zeros(length),
      };
    });
  }

  update(gradient: Gradient, factors: UpdateFactors): void {
    const flat = gradient instanceof Float32Array;
    let first = 0;
    for (const group of this.#groups) {
      const tensors = flat ? undefined : gradient.slice(first, first + group.variables.length);
      first += group.variables.length;
      tf.tidy(() => {
        const gradient_N = flat
          ? tf.tensor1d(gradient.subarray(group.offset, group.offset + group.length), 'float32')
          : joined(tensors!);
        updateGroup(group, gradient_N, factors);
      });
    }
  }

  write(means: Float32Array | undefined, squares: Float32Array | undefined): void {
    for (const { offset, mean, square } of this.#groups) {
      means?.set(mean.dataSync(), offset);
      squares?.set(square.dataSync(), offset);
    }
  }

  /** Where there are no kernels, nothing copies in the background: it is done at once. */
  copyInBackground(moment: Moment, { first, end }: ParameterRange, into: Float32Array): BackgroundCopy {
    for (const { offset, length, [moment]: values } of this.#groups) {
      const [from, to] = [Math.max(first, offset), Math.min(end, offset + length)];
      if (from < to) into.set(values.dataSync().subarray(from - offset, to - offset), from - first);
    }
    return { done: Promise.resolve(), wait: () => {} };
  }

  tensors(moment: Moment): readonly tf.Tensor[] {
    return this.#groups.map((group) => group[moment]);
  }

  read(means: Float32Array, squares: Float32Array): void {
    for (const { offset, length, mean, square } of this.#groups)
      tf.tidy(() => {
        mean.assign(tf.tensor1d(means.slice(offset, offset + length)));
        square.assign(tf.tensor1d(squares.slice(offset, offset + length)));
      });
  }

  close(): void {
    for (const group of this.#groups) tf.dispose([group.mean, group.square]);
  }
}

function updateGroup(group: Group, gradient: tf.Tensor, factors: UpdateFactors): void {
  const { scale, stepSize, beta1, beta2, epsilon, decay } = factors;
  const gradient_N = tf.mul(gradient, scale);
  const mean_N = tf.add(tf.mul(group.mean, beta1), tf.mul(gradient_N, 1 - beta1));
  const square_N = tf.add(tf.mul(group.square, beta2), tf.mul(tf.square(gradient_N), 1 - beta2));
  group.mean.assign(mean_N as tf.Tensor1D);
  group.square.assign(square_N as tf.Tensor1D);
  const change_N = tf.div(tf.mul(mean_N, stepSize), tf.add(tf.sqrt(square_N), epsilon));
  let values_N = tf.sub(joined(group.variables), change_N);
  if (decay !== 1) values_N = tf.mul(values_N, decay);
  const parts = tf.split(
    values_N,
    group.variables.map((variable) => variable.size),
  );
  group.variables.forEach((variable, index) => variable.assign(tf.reshape(parts[index]!, variable.shape)));
}

function groupsOf(variables: readonly tf.Variable[]): tf.Variable[][] {
  const groups: tf.Variable[][] = [];
  let size = Infinity;
  for (const variable of variables) {
    if (size + variable.size > GROUP_VALUES) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(variable);
    size += variable.size;
  }
  return groups;
}

function zeros(length: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros([length])));
}

function joined(tensors: readonly tf.Tensor[]): tf.Tensor {
  const flat = tensors.map((tensor) => tf.reshape(tensor, [-1]) as tf.Tensor1D);
  return flat.length === 1 ? flat[0]! : tf.concat(flat);
}
