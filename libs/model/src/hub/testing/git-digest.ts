import { createHash } from 'node:crypto';

/** Git's name of a content: the SHA-1 of it behind a header. */
export function gitDigest(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}
