import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError, messageOf } from '@captrain/runtime';

/** Bytes that are read by range: those of a file, or some in memory. */
export interface ByteSource {
  /** Names the source in messages. */
  readonly place: string;
  readonly bytes: number;
  /** The file, where it is one. */
  readonly path: string | undefined;
  /**
   * A copy of `length` bytes from `offset`, in an ArrayBuffer of its own. What cannot be read, and a file that ends
   * before, is a UserError that names the file and `what` was read.
   */
  range(offset: number, length: number, what?: string): Uint8Array<ArrayBuffer>;
}

/** A weight file. One that cannot be opened is a UserError. */
export function fileSource(path: string): ByteSource {
  const bytes = withFile(path, (file) => {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new UserError(`${path} is no file; name a file of weights.`);
    return stat.size;
  });
  const range = (offset: number, length: number, what = 'it') =>
    withFile(path, (file) => {
      const data = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const count = readSync(file, data, filled, Math.min(length - filled, 2 ** 30), offset + filled);
        if (count === 0) throw becameShorter(path, what);
        filled += count;
      }
      return data;
    });
  return { place: path, bytes, path, range };
}

/** Bytes in memory, under a name for messages. */
export function memorySource(data: Uint8Array, place: string): ByteSource {
  const range = (offset: number, length: number, what = 'it') => {
    if (offset + length > data.length) throw becameShorter(place, what);
    return new Uint8Array(data.subarray(offset, offset + length));
  };
  return { place, bytes: data.length, path: undefined, range };
}

function becameShorter(place: string, what: string): UserError {
  return new UserError(`${place} became shorter while ${what} was read; fetch or write it again.`);
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
