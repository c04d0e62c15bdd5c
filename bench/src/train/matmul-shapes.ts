/** Products of [M, K] by [K, N] that show what a machine can do: two cubes, and those of a step itself. */
export const MATMUL_SHAPES: readonly (readonly [number, number, number])[] = [
  [1024, 1024, 1024],
  [2048, 2048, 2048],
  [576, 768, 3072],
  [576, 3072, 768],
  [512, 768, 50257],
];
