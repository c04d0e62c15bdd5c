/** A tensor of which nothing is read until `read` is called: from a weight file of any kind. */
export interface SourceTensor {
  readonly shape: readonly number[];
  /** Values as float32, row-major. */
  read(): Float32Array;
}

export type SourceTensors = ReadonlyMap<string, SourceTensor>;

/** Values of all these tensors together. */
export function countParameters(tensors: Iterable<{ readonly shape: readonly number[] }>): number {
  let count = 0;
  for (const { shape } of tensors) count += shape.reduce((product, size) => product * size, 1);
  return count;
}
