import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** SHA-256, in hexadecimal, of strings and buffers; each one's length goes in first, so that no two lists collide. */
export function digestOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

/** Digest of the names (relative to `base`) and contents of files; their order does not matter. */
export async function digestOfFiles(base, files, extra = []) {
  const sorted = [...files].sort();
  const contents = await Promise.all(sorted.map((file) => readFile(path.join(base, file))));
  return digestOf([...extra, ...sorted.flatMap((file, index) => [file, contents[index]])]);
}

/** SHA-256 of one file, streamed. */
export async function digestOfFile(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
