import { float16FromFloat32 } from './float16.js';

export interface TensorToWrite {
  shape: readonly number[];
  /** Row-major values. */
  data: Float32Array;
  /** F32 by default; F16 rounds to the nearest half. */
  dtype?: 'F32' | 'F16';
}

/**
 * A safetensors file of these tensors. The bytes are a function of the content alone: float32 tensors stand before
 * float16 ones (so that all are aligned), each kind by name, and metadata by key.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  const ordered = [...tensors].map(([name, { shape, data, dtype = 'F32' }]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    if (count !== data.length)
      throw new Error(`tensor ${name} of shape [${shape.join()}] was given ${data.length} values`);
    return { name, shape, data, dtype, bytes: count * (dtype === 'F32' ? 4 : 2) };
  });
  ordered.sort((a, b) => compare(a.dtype, b.dtype) * -1 || compare(a.name, b.name));

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

  const file = Buffer.alloc(8 + headerBytes + offset, ' ');
  file.writeBigUInt64LE(BigInt(headerBytes), 0);
  json.copy(file, 8);
  let position = 8 + headerBytes;
  for (const { data, dtype, bytes } of ordered) {
    const values = dtype === 'F32' ? data : float16FromFloat32(data);
    file.set(new Uint8Array(values.buffer, values.byteOffset, bytes), position);
    position += bytes;
  }
  return file;
}

/** Order by code units: the same in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
