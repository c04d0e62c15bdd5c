import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError, messageOf } from '@captrain/runtime';
import { float32FromBfloat16, float32FromFloat16 } from './float16.js';
import { headerLength, parseHeader, type SafetensorsDtype, type TensorExtent } from './safetensors-header.js';

/** One tensor of a file. Nothing of its values is read before `read` is called. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** A fresh copy of the values as float32, row-major. A dtype that is no float is a UserError. */
  read(): Float32Array;
}

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** Tensors by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
}

/**
 * Opens a safetensors file by its path, or one that is in memory already. The header is checked at once; values
 * are read tensor by tensor, by range, straight into their arrays. A missing or damaged file is a UserError that
 * names the file and the tensor.
 */
export function readSafetensors(source: string | Uint8Array): SafetensorsFile {
  const place = typeof source === 'string' ? source : 'the safetensors data';
  const { bytes, range } = typeof source === 'string' ? fileRanges(source) : memoryRanges(source);
  const first = range(0, Math.min(8, bytes));
  const json = range(8, headerLength(first, bytes, place));
  const { metadata, extents } = parseHeader(json, bytes, place);
  const tensors = new Map<string, SafetensorsEntry>();
  for (const extent of extents) {
    const { name, dtype, shape, begin, end } = extent;
    const read = () => asFloat32(range(begin, end - begin), extent, place);
    tensors.set(name, { dtype, shape, read });
  }
  return { metadata, tensors };
}

interface Ranges {
  bytes: number;
  /** A copy of `length` bytes from `offset`, in an ArrayBuffer of its own. */
  range(offset: number, length: number): Uint8Array<ArrayBuffer>;
}

function memoryRanges(data: Uint8Array): Ranges {
  return {
    bytes: data.length,
    range: (offset, length) => new Uint8Array(data.subarray(offset, offset + length)),
  };
}

function fileRanges(path: string): Ranges {
  const bytes = withFile(path, (file) => fstatSync(file).size);
  const range = (offset: number, length: number) =>
    withFile(path, (file) => {
      const data = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = readSync(file, data, filled, Math.min(length - filled, 2 ** 30), offset + filled);
        if (count === 0)
          throw new UserError(`${path} became shorter while it was read; fetch or write it again.`);
        filled += count;
      }
      return data;
    });
  return { bytes, range };
}

function withFile<T>(path: string, use: (file: number) => T): T {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw new UserError(`cannot open the weights ${path}: ${messageOf(cause)}.`, { cause });
  }
  try {
    return use(file);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`cannot read the weights ${path}: ${messageOf(cause)}.`, { cause });
  } finally {
    closeSync(file);
  }
}

function asFloat32(bytes: Uint8Array<ArrayBuffer>, extent: TensorExtent, place: string): Float32Array {
  switch (extent.dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer);
    case 'F16':
      return float32FromFloat16(new Uint16Array(bytes.buffer));
    case 'BF16':
      return float32FromBfloat16(new Uint16Array(bytes.buffer));
    case 'F64':
      return Float32Array.from(new Float64Array(bytes.buffer));
    default:
      throw new UserError(
        `tensor ${extent.name} in ${place} holds ${extent.dtype} where floats are needed; export it as F32 or F16.`,
      );
  }
}
