import { UserError } from '@captrain/runtime';
import { bfloat16FromFloat32, float16FromFloat32 } from './float16.js';
import { countOf } from './weight-dtype.js';

export type WritableDtype = 'F32' | 'F16' | 'BF16';

export interface TensorToWrite {
  shape: readonly number[];
  /** Row-major values, or what gives them when their turn comes: then only one tensor's are held at a time. */
  data: Float32Array | (() => Float32Array);
  /** F32 by default; F16 and BF16 round to the nearest, ties to even. */
  dtype?: WritableDtype;
}

interface OrderedTensor extends Required<TensorToWrite> {
  name: string;
  bytes: number;
}

/**
 * A safetensors file of these tensors in parts: the header, then each tensor's bytes, which for float32 are a view of
 * its values. Concatenated, the bytes are a function of the content alone: float32 tensors stand before 16-bit ones
 * (so that all are aligned), each kind by name, and metadata by key. A value that is too large for its 16-bit dtype is a
 * UserError that names the tensor.
 */
export function* safetensorsParts(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const ordered = inOrder(tensors);
  yield header(ordered, metadata);
  for (const tensor of ordered) yield bytesOfTensor(tensor);
}

/** The same as one buffer. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  return Buffer.concat([...safetensorsParts(tensors, metadata)]);
}

/** Bytes of one tensor in a file. */
export function writtenBytes({ shape, dtype = 'F32' }: TensorToWrite): number {
  return countOf(shape)! * (dtype === 'F32' ? 4 : 2);
}

function inOrder(tensors: ReadonlyMap<string, TensorToWrite>): OrderedTensor[] {
  const ordered = [...tensors].map(([name, tensor]) => {
    const { shape, data, dtype = 'F32' } = tensor;
    return { name, shape, data, dtype, bytes: writtenBytes(tensor) };
  });
  return ordered.sort((a, b) => compare(b.dtype, a.dtype) || compare(a.name, b.name));
}

function header(ordered: OrderedTensor[], metadata: Readonly<Record<string, string>>): Buffer {
  const entries: [string, unknown][] = [];
  const sortedMetadata = Object.entries(metadata).sort(([a], [b]) => compare(a, b));
  if (sortedMetadata.length > 0) entries.push(['__metadata__', Object.fromEntries(sortedMetadata)]);
  let offset = 0;
  for (const { name, shape, dtype, bytes } of ordered) {
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + bytes] }]);
    offset += bytes;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + headerBytes, ' ');
  bytes.writeBigUInt64LE(BigInt(headerBytes), 0);
  json.copy(bytes, 8);
  return bytes;
}

function bytesOfTensor({ name, shape, data, dtype }: OrderedTensor): Uint8Array {
  const values = typeof data === 'function' ? data() : data;
  if (countOf(shape) !== values.length)
    throw new Error(`tensor ${name} of shape [${shape.join()}] was given ${values.length} values`);
  const written = dtype === 'F32' ? values : rounded(name, values, dtype);
  return new Uint8Array(written.buffer, written.byteOffset, written.byteLength);
}

function rounded(name: string, values: Float32Array, dtype: 'F16' | 'BF16'): Uint16Array {
  const [words, infinity] =
    dtype === 'F16' ? [float16FromFloat32(values), 0x7c00] : [bfloat16FromFloat32(values), 0x7f80];
  for (let i = 0; i < words.length; i++)
    if ((words[i]! & 0x7fff) === infinity && Number.isFinite(values[i]))
      throw new UserError(
        `tensor ${name} holds ${values[i]}, which is too large for ${dtype}; write it as F32 instead.`,
      );
  return words;
}

/** Order by code units: the same in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
