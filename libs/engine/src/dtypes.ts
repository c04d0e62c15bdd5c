/** TensorFlow's element types, and their numbers in its C API (TF_DataType in tensorflow/c/tf_datatype.h). */
export const dtypeNumbers = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  uint16: 17,
  float16: 19,
  resource: 20,
  uint32: 22,
  uint64: 23,
} as const;

export type DType = keyof typeof dtypeNumbers;

const namesByNumber = new Map(Object.entries(dtypeNumbers).map(([name, number]) => [number, name as DType]));

/** The element type of a TF_DataType. Throws where captrain does not know it. */
export function dtypeOfNumber(number: number): DType {
  const name = namesByNumber.get(number as (typeof dtypeNumbers)[DType]);
  if (name === undefined) throw new Error(`TensorFlow's element type ${number} is not supported`);
  return name;
}
