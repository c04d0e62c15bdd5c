import { type FileHandle, open } from 'node:fs/promises';
import { UserError } from '@captrain/runtime';
import { float16FromFloat32 } from '../weights/float16.js';
import type { StoredDtype } from '../config.js';
import type { SourceTensors } from './source-tensors.js';

const formats = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

/**
 * Writes tensors as a safetensors file, ordered by name, one after the other: no more than one is in memory. Stops
 * between two where `signal` aborts. A value that is not finite, or that the dtype cannot hold, is a UserError that
 * names the tensor.
 *
 * @param onTensor called after each tensor with its bytes
 */
export async function writeTensors(
  file: string,
  tensors: SourceTensors,
  options: { dtype: StoredDtype; signal: AbortSignal; onTensor: (bytes: number) => void },
): Promise<void> {
  const { dtype, signal, onTensor } = options;
  const ordered = [...tensors].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(headerOf(ordered, dtype));
    for (const [name, tensor] of ordered) {
      // Lets signals in between two tensors.
      await new Promise(setImmediate);
      signal.throwIfAborted();
      const bytes = storedBytes(tensor.read(), dtype, name);
      await writeWhole(handle, bytes);
      onTensor(bytes.length);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function headerOf(tensors: readonly (readonly [string, { shape: readonly number[] }])[], dtype: StoredDtype) {
  const width = dtype === 'float32' ? 4 : 2;
  let offset = 0;
  const entries = tensors.map(([name, { shape }]) => {
    const bytes = shape.reduce((product, size) => product * size, width);
    const entry = { dtype: formats[dtype], shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
    return [name, entry];
  });
  const json = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) });
  const bytes = Buffer.from(json);
  const header = Buffer.alloc(8 + Math.ceil(bytes.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  bytes.copy(header, 8);
  return header;
}

/** A write may take fewer bytes than it was given: over 2 GiB it always does. */
async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, 2 ** 30));
    done += bytesWritten;
  }
}

function storedBytes(values: Float32Array, dtype: StoredDtype, name: string): Uint8Array {
  const stored =
    dtype === 'float32'
      ? values
      : dtype === 'float16'
        ? float16FromFloat32(values)
        : bfloat16FromFloat32(values);
  const bits = new Uint16Array(stored.buffer, stored.byteOffset, stored.byteLength / 2);
  const [step, offset, infinite] = dtype === 'float32' ? [2, 1, 0x7f80] : [1, 0, infinityOf[dtype]];
  // The upper half of a float32 tells whether it is finite, as the whole of a 16-bit float does.
  for (let index = offset; index < bits.length; index += step) {
    if ((bits[index]! & infinite) !== infinite) continue;
    const value = values[Math.floor(index / step)]!;
    throw new UserError(
      Number.isFinite(value)
        ? `tensor ${name} holds ${value}, which ${dtype} cannot; write it as float32 or bfloat16.`
        : `tensor ${name} holds ${value}: these weights are damaged, or their training diverged; take others.`,
    );
  }
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

const infinityOf = { float16: 0x7c00, bfloat16: 0x7f80 } as const;

/** The upper halves of float32 values, rounded to nearest, ties to even. */
function bfloat16FromFloat32(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const value = bits[i]!;
    const isNaN = (value & 0x7fffffff) > 0x7f800000;
    halves[i] = isNaN ? 0x7fc0 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return halves;
}
