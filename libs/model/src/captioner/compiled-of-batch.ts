import { type CompiledFunction, type CompiledShape, compile, type tf } from '@captrain/engine';
import type { CaptionerParts } from './caption-loss.js';
import type { PackedTensors } from './packed-tensors.js';

/** What is computed of a batch by the captioner's parameters, which it closes over. */
export type BatchFunction = (batch: PackedTensors, seed_2: tf.Tensor1D | undefined) => tf.Tensor[];

/** A function of one captioner's parameters and a batch, compiled: once for each set of shapes of its batches. */
export class CompiledOfBatch {
  readonly #compiled: CompiledFunction;
  /** The batch whose call runs: it is read while that is being recorded. */
  #batch: PackedTensors | undefined;
  #seed_2: tf.Tensor1D | undefined;

  constructor(
    private readonly parts: CaptionerParts,
    fn: BatchFunction,
    options: {
      name: string;
      /** Compile by XLA. Default: false. */
      xla?: boolean | undefined;
    },
  ) {
    this.#compiled = compile(() => fn(this.#batch!, this.#seed_2), options);
  }

  /** What the function gives; it belongs to the surrounding `tf.tidy`. With a seed there may be dropout. */
  call(batch: PackedTensors, seed_2?: tf.Tensor1D): tf.Tensor[] {
    const { mapperParameters, gpt2Parameters } = this.parts;
    const ofBatch = Object.values(batch).filter((tensor): tensor is tf.Tensor => tensor !== undefined);
    const inputs = [...mapperParameters.values(), ...gpt2Parameters.values(), ...ofBatch];
    if (seed_2 !== undefined) inputs.push(seed_2);
    this.#batch = batch;
    this.#seed_2 = seed_2;
    return this.#compiled.call(inputs);
  }

  /** The shapes that were compiled. */
  report(): CompiledShape[] {
    return this.#compiled.report();
  }

  close(): void {
    this.#compiled.close();
  }
}
