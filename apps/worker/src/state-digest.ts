import { createHash } from 'node:crypto';
import { lookAtValues } from '@captrain/engine/sums';

/** Values of a block; several blocks are worked on at a time. */
const BLOCK_VALUES = 1 << 20;

/** What a state is, apart from its values. */
export interface StateFacts {
  readonly step: number;
  /** Updates that the optimizer has counted. */
  readonly updates: number;
  /** SHA-256 of the parameters' names and shapes. */
  readonly layoutDigest: string;
}

/**
 * A digest of a replica's whole state, which tells damage and divergence: SHA-256 over the CRC-32C of each 4 MiB of it. A
 * CRC finds any three flipped bits of such a block, and misses one in 2³² of other changes of it; SHA-256 of the values
 * themselves takes a second and more for GPT-2's, which every comparison of replicas and every return of a coordinator would
 * wait for. Checkpoints have SHA-256 of all their bytes. `arrays` yields parameters, both moments, and the outer momentum where there
 * is one; each array is looked at until the next is asked for.
 */
export async function stateDigest(facts: StateFacts, arrays: Iterable<Float32Array>): Promise<string> {
  const { step, updates, layoutDigest } = facts;
  const hash = createHash('sha256').update(`${step} ${updates} ${layoutDigest}`);
  for (const array of arrays) {
    const blocks = Array.from({ length: Math.ceil(array.length / BLOCK_VALUES) }, (_, i) =>
      lookAtValues(array.subarray(i * BLOCK_VALUES, (i + 1) * BLOCK_VALUES)),
    );
    const checksums = (await Promise.all(blocks)).map(({ checksum }) => checksum);
    hash.update(Uint32Array.from([array.length, ...checksums]));
  }
  return hash.digest('hex');
}
