/** Bytes of one value, for each dtype that a weight file may hold, under safetensors' names. */
export const BYTES_OF_DTYPE = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
  C64: 8,
} as const;
export type WeightDtype = keyof typeof BYTES_OF_DTYPE;

export function isWeightDtype(name: unknown): name is WeightDtype {
  return typeof name === 'string' && Object.hasOwn(BYTES_OF_DTYPE, name);
}

/** Values of a shape; undefined where exact numbers end (2^53). */
export function countOf(shape: readonly number[]): number | undefined {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes of a tensor; undefined where exact numbers end (2^53). */
export function bytesOf(dtype: WeightDtype, shape: readonly number[]): number | undefined {
  const bytes = (countOf(shape) ?? NaN) * BYTES_OF_DTYPE[dtype];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Whether a value can be a size or an offset: an integer that is exact and not negative. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
