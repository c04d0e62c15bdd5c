import { createHash, webcrypto } from 'node:crypto';

/** Blocks are hashed several at a time. */
const BLOCK_VALUES = 1 << 24;

/** What a state is, apart from its values. */
export interface StateFacts {
  readonly step: number;
  /** Updates that the optimizer has counted. */
  readonly updates: number;
  /** SHA-256 of the parameters' names and shapes. */
  readonly layoutDigest: string;
}

/**
 * SHA-256 over a replica's whole state: equal for equal ones only. It is that of the digests of blocks, which libuv's
 * threads make side by side. `arrays` yields parameters, both moments, and the outer momentum where there is one; each array is looked at until the next is asked for.
 */
export async function stateDigest(facts: StateFacts, arrays: Iterable<Float32Array>): Promise<string> {
  const { step, updates, layoutDigest } = facts;
  const hash = createHash('sha256').update(`${step} ${updates} ${layoutDigest}`);
  for (const array of arrays) {
    const blocks = Array.from({ length: Math.ceil(array.length / BLOCK_VALUES) }, (_, i) =>
      webcrypto.subtle.digest('SHA-256', array.subarray(i * BLOCK_VALUES, (i + 1) * BLOCK_VALUES)),
    );
    for (const digest of await Promise.all(blocks)) hash.update(new Uint8Array(digest));
  }
  return hash.digest('hex');
}
