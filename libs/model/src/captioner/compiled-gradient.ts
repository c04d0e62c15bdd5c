import { type CompiledFunction, type CompiledShape, compile, type tf } from '@captrain/engine';
import { captionGradient, type CaptionerParts } from './caption-loss.js';
import type { PackedTensors } from './packed-tensors.js';

export interface CompiledGradientOptions {
  /** Trained tensors, among the parts' parameters, in the order of the gradients. */
  trained: readonly tf.Tensor[];
  frozen: boolean;
  /** Compile by XLA. Default: false. */
  xla?: boolean | undefined;
}

/** `captionGradient` of one captioner as a compiled function: once for each set of shapes of its batches. */
export class CompiledGradient {
  readonly #compiled: CompiledFunction;
  /** The batch whose call runs: it is read while that is being recorded. */
  #batch: PackedTensors | undefined;
  #seed_2: tf.Tensor1D | undefined;

  constructor(
    private readonly parts: CaptionerParts,
    { trained, frozen, xla = false }: CompiledGradientOptions,
  ) {
    const fn = () => {
      const { loss, gradients } = captionGradient(parts, trained, this.#batch!, {
        frozen,
        seed_2: this.#seed_2,
      });
      return [loss, ...gradients];
    };
    this.#compiled = compile(fn, { name: 'caption_gradient', xla });
  }

  /** Loss and gradients, which belong to the surrounding `tf.tidy`. With a seed there is dropout. */
  call(batch: PackedTensors, seed_2?: tf.Tensor1D): { loss: tf.Scalar; gradients: tf.Tensor[] } {
    const { mapperParameters, gpt2Parameters } = this.parts;
    const ofBatch = Object.values(batch).filter((tensor): tensor is tf.Tensor => tensor !== undefined);
    const inputs = [...mapperParameters.values(), ...gpt2Parameters.values(), ...ofBatch];
    if (seed_2 !== undefined) inputs.push(seed_2);
    this.#batch = batch;
    this.#seed_2 = seed_2;
    const [loss, ...gradients] = this.#compiled.call(inputs);
    return { loss: loss as tf.Scalar, gradients };
  }

  /** The shapes that were compiled. */
  report(): CompiledShape[] {
    return this.#compiled.report();
  }

  close(): void {
    this.#compiled.close();
  }
}
