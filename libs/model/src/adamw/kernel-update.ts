import {
  type BackgroundCopy,
  addressOf,
  copyOut,
  copyOutInBackground,
  ownBuffers,
  rawOp,
  tf,
} from '@captrain/engine';
import type { Gradient, Moment, Moments, ParameterRange, UpdateFactors } from './update.js';

/**
 * By the engine's own op: one pass over memory (28 bytes a value) changes parameters and moments in place. A tensor that
 * shares a variable's buffer is left as it was: the variable gets a copy before.
 */
export class KernelUpdate implements Moments {
  readonly #means: tf.Tensor[];
  readonly #squares: tf.Tensor[];

  constructor(private readonly variables: readonly tf.Variable[]) {
    // Copies are made before there is much else in memory.
    ownBuffers(variables);
    this.#means = variables.map(zeros);
    this.#squares = variables.map(zeros);
  }

  update(gradient: Gradient, { scale, stepSize, beta1, beta2, epsilon, decay }: UpdateFactors): void {
    ownBuffers(this.variables);
    const flat = gradient instanceof Float32Array;
    const tensors = flat ? [] : gradient;
    tf.tidy(() => {
      const hyper = tf.tensor1d([scale, stepSize, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, decay]);
      rawOp(
        'CaptrainAdamW',
        [
          ...this.variables,
          ...this.#means,
          ...this.#squares,
          ...tensors,
          hyper,
          addressOf(flat ? gradient : undefined),
        ],
        { N: { int: this.variables.length }, M: { int: tensors.length } },
        0,
      );
    });
  }

  write(means: Float32Array | undefined, squares: Float32Array | undefined): void {
    if (means) copyOut(this.#means, means);
    if (squares) copyOut(this.#squares, squares);
  }

  copyInBackground(moment: Moment, { first, end }: ParameterRange, into: Float32Array): BackgroundCopy {
    let offset = 0;
    const tensors = this.tensors(moment).filter(({ size }) => {
      offset += size;
      return offset > first && offset <= end;
    });
    return copyOutInBackground(tensors, into);
  }

  tensors(moment: Moment): readonly tf.Tensor[] {
    return moment === 'mean' ? this.#means : this.#squares;
  }

  read(means: Float32Array, squares: Float32Array): void {
    let offset = 0;
    this.variables.forEach(({ shape, size }, index) => {
      const part = (flat: Float32Array) =>
        tf.keep(tf.tensor(flat.slice(offset, offset + size), shape, 'float32'));
      tf.dispose([this.#means[index]!, this.#squares[index]!]);
      this.#means[index] = part(means);
      this.#squares[index] = part(squares);
      offset += size;
    });
  }

  close(): void {
    tf.dispose([...this.#means, ...this.#squares]);
  }
}

/** Kept, and made by TensorFlow: nobody else has its buffer. */
function zeros({ shape }: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.keep(tf.fill(shape, 0)));
}
