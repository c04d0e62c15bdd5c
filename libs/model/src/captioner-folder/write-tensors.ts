import { type FileHandle, open } from 'node:fs/promises';
import type { StoredDtype } from '../config.js';
import { safetensorsParts } from '../weights/write-safetensors.js';
import type { SourceTensors } from './source-tensors.js';

const dtypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

/**
 * Writes tensors as a safetensors file, one after the other: no more than one is in memory. Stops between two where
 * `signal` aborts. A value that is not finite, or too large for the dtype, is a UserError that names the tensor.
 *
 * @param onBytes called after each tensor with its bytes
 */
export async function writeTensors(
  file: string,
  tensors: SourceTensors,
  options: { dtype: StoredDtype; signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  const dtype = dtypes[options.dtype];
  const lazy = [...tensors].map(
    ([name, tensor]) => [name, { shape: tensor.shape, data: () => tensor.read(), dtype }] as const,
  );
  const handle = await open(file, 'wx');
  try {
    for (const part of safetensorsParts(new Map(lazy), { format: 'pt' })) {
      await writeWhole(handle, part);
      options.onBytes(part.length);
      // Lets signals in between two tensors.
      await new Promise(setImmediate);
      options.signal.throwIfAborted();
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** One write takes at most 2 GiB, and may take less than it was given. */
async function writeWhole(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, 2 ** 30));
    done += bytesWritten;
  }
}
