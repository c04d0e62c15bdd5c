import { type Attributes, type BindingAttribute, toBindingAttributes } from './attributes.js';
import { tf } from './tf.js';

/** tfjs's backend over TensorFlow, as far as it is used here. */
export interface TensorflowBackend {
  binding: { getNumOfTensors(): number };
  /** What TensorFlow has of each tensor; `dtype` is its number there. */
  tensorMap: { get(dataId: tf.Tensor['dataId']): { shape: number[]; dtype: number } };
  /** A tensor of what TensorFlow has by this id; with the id −1, one that has no value. */
  createOutputTensor(output: { id: number; shape: readonly number[]; dtype: number }): tf.Tensor;
  executeSingleOutput(name: string, attributes: BindingAttribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
  /** Tensors and variables that share the values of this id. */
  refCount(dataId: object): number;
  executeMultipleOutputs(
    name: string,
    attributes: BindingAttribute[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
  /** Keeps JavaScript's values for a tensor; they go to TensorFlow with its first op. */
  move(
    dataId: tf.Tensor['dataId'],
    values: unknown,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void;
  readSync(dataId: tf.Tensor['dataId']): unknown;
}

export function tensorflowBackend(): TensorflowBackend {
  return tf.backend() as unknown as TensorflowBackend;
}

/**
 * Runs any TensorFlow op, or a registered function, by its name. Inputs come flat: those of a list argument one after
 * the other. The attributes that single arguments tell (`T`, …) may be left out; those of lists (`N`, `T`) may not.
 * `outputs` is how many tensors the op gives; they belong to the surrounding `tf.tidy`. The op has no gradient in
 * tfjs: wrap it in `tf.customGrad` where one is needed.
 *
 * Throws TensorFlow's message where there is no such op or the inputs do not fit it.
 */
export function rawOp(
  name: string,
  inputs: readonly tf.Tensor[],
  attributes: Attributes = {},
  outputs = 1,
): tf.Tensor[] {
  return tensorflowBackend().executeMultipleOutputs(name, toBindingAttributes(attributes), inputs, outputs);
}
