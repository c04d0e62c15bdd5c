import { moveToTensor, tf } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { checkShapes } from './layout.js';
import type { ParameterShapes, ParameterValues } from './parameters.js';
import { openModelWeights } from './weights/model-weights.js';
import { quoted } from './weights/quoted.js';
import type { WeightsFile } from './weights/weights-file.js';

/** Turns a tensor's name in a file into the model's, or into undefined where it is to be passed over. */
export type Rename = (name: string) => string | undefined;

/**
 * Loads a model's weights, from a folder in Hugging Face layout or from a file, as tensors in the order of `shapes`;
 * the caller disposes them. What is missing, damaged or does not fit is a UserError.
 */
export async function loadParameters(
  place: string,
  shapes: ParameterShapes,
  rename: Rename = (name) => name,
): Promise<Map<string, tf.Tensor>> {
  return parametersOf(await openModelWeights(place), shapes, rename);
}

/**
 * The tensors of an opened file, likewise. Each goes to TensorFlow before the next is read, so that no second copy of
 * the weights exists.
 */
export function parametersOf(
  file: WeightsFile,
  shapes: ParameterShapes,
  rename: Rename = (name) => name,
): Map<string, tf.Tensor> {
  const found = renamedTensors(file, shapes, rename);
  const parameters = new Map<string, tf.Tensor>();
  try {
    for (const name of shapes.keys()) parameters.set(name, found.get(name)!.tensor());
  } catch (error) {
    tf.dispose([...parameters.values()]);
    throw error;
  }
  return parameters;
}

/**
 * The tensors of an opened file under the model's names, not read yet. Two names that become one, and what is missing,
 * unexpected or misshapen, are a UserError.
 */
export function renamedTensors<T extends { readonly shape: readonly number[] }>(
  { place, tensors }: { place: string; tensors: ReadonlyMap<string, T> },
  shapes: ParameterShapes,
  rename: Rename,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const [name, tensor] of tensors) {
    const renamed = rename(name);
    if (renamed === undefined) continue;
    if (found.has(renamed))
      throw new UserError(
        `${place} holds ${quoted(renamed)} twice, under two names; export the weights of one model.`,
      );
    found.set(renamed, tensor);
  }
  checkShapes(shapes, { tensors: found }, place);
  return found;
}

/**
 * The tensors of values by name, in the order of `shapes`. They share the arrays' memory (tfjs copies only what is
 * unaligned), so the arrays must not change afterwards.
 */
export function tensorsOfValues(shapes: ParameterShapes, values: ParameterValues): Map<string, tf.Tensor> {
  return new Map(
    [...shapes].map(([name, shape]) => [name, tf.tensor(values.get(name)!, [...shape], 'float32')]),
  );
}

/** The same, and the arrays are given up: they are empty afterwards, and their memory is free. */
export function tensorsInPlaceOf(shapes: ParameterShapes, values: ParameterValues): Map<string, tf.Tensor> {
  return new Map([...shapes].map(([name, shape]) => [name, moveToTensor(values.get(name)!, shape)]));
}
