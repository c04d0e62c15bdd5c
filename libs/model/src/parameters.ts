import type { tf } from '@captrain/engine';

/** A model's parameters by name, in PyTorch's names and layouts. */
export type Parameters = ReadonlyMap<string, tf.Tensor>;

/** The shape of every parameter of a model, in the order of its layout. */
export type ParameterShapes = ReadonlyMap<string, readonly number[]>;

/** Values of new or loaded parameters, row-major. */
export type ParameterValues = Map<string, Float32Array>;

/** One parameter. Throws where the model has none of that name: a fault of the caller. */
export function parameter(parameters: Parameters, name: string): tf.Tensor {
  const tensor = parameters.get(name);
  if (tensor === undefined) throw new Error(`there is no parameter ${name}`);
  return tensor;
}
