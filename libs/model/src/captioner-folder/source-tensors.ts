import type { WeightTensor } from '../weights/weights-file.js';

/** What is needed of a weight file's tensor to write it again. */
export type SourceTensor = Pick<WeightTensor, 'shape' | 'read'>;

export type SourceTensors = ReadonlyMap<string, SourceTensor>;

/** Values of all these tensors together. */
export function countParameters(tensors: Iterable<{ readonly shape: readonly number[] }>): number {
  let count = 0;
  for (const { shape } of tensors) count += shape.reduce((product, size) => product * size, 1);
  return count;
}
