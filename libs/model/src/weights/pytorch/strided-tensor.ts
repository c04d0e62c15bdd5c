import { tf } from '@captrain/engine';
import type { ByteSource } from '../byte-source.js';
import { denseTensor, float32Of, requireFinite, requireFloats } from '../dense-tensor.js';
import { quoted } from '../quoted.js';
import { BYTES_OF_DTYPE, countOf } from '../weight-dtype.js';
import type { WeightTensor } from '../weights-file.js';
import { damaged } from './pytorch-error.js';
import type { StorageRange } from './torch-contents.js';
import type { TorchTensor } from './torch-tensor.js';

/**
 * A tensor of a PyTorch file. Its values are read in the order of its strides: a transposed tensor comes out transposed.
 * One that reaches beyond its storage, or has more values than it, is a UserError that names it.
 */
export function stridedTensor(
  source: ByteSource,
  name: string,
  tensor: TorchTensor,
  storage: StorageRange,
): WeightTensor {
  const { dtype, offset: first, shape, strides } = tensor;
  const width = BYTES_OF_DTYPE[dtype];
  const room = Math.floor(storage.bytes / width) - first;
  const count = countOf(shape);
  const span = count === 0 ? 0 : shape.reduce((last, size, axis) => last + (size - 1) * strides[axis]!, 1);
  if (count === undefined || !(Math.max(span, 0) <= Math.max(room, 0)) || count > Math.max(room, 0))
    throw damaged(
      source.place,
      `tensor ${quoted(name)} of shape [${shape.join(', ')}] is more than its storage holds`,
    );
  const offset = storage.offset + (count === 0 ? 0 : first * width);
  if (isDense(shape, strides)) return denseTensor(source, { name, dtype, shape, offset });
  const read = () => {
    requireFloats(dtype, name, source.place);
    const values = float32Of(source.range(offset, span * width, `tensor ${quoted(name)}`), dtype);
    const gathered = gather(values, shape, strides, count);
    requireFinite(gathered, name, source.place);
    return gathered;
  };
  return { dtype, shape, read, tensor: () => tf.tensor(read(), [...shape], 'float32') };
}

/** Whether values lie one after another; the stride of an axis with one value says nothing. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** The values row-major: like an odometer, the last axis turns fastest. */
function gather(
  values: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
  count: number,
): Float32Array {
  const result = new Float32Array(count);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    result[to] = values[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
