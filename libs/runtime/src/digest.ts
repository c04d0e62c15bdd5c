import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 of the parts' concatenation, as 64 lower-case hexadecimal digits. */
export function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** SHA-256 of a file's bytes, read in pieces. Rejects with the file system's error (`ENOENT`, …). */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
