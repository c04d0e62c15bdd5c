import { createHash } from 'node:crypto';
import { blockChecksums, type tf } from '@captrain/engine';
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

/** A flat array, or tensors whose values are one, laid one behind the other. */
export type FlatValues = Float32Array | readonly tf.Tensor[];

/**
 * A digest of a replica's whole state, which tells damage and divergence: SHA-256 over the CRC-32C of each 4 MiB of it. A
 * CRC finds any three flipped bits of such a block, and misses one in 2³² of other changes of it; SHA-256 of the values
 * themselves takes a second and more for GPT-2's, which every comparison of replicas and every return of a coordinator would
 * wait for. Checkpoints have SHA-256 of all their bytes. `arrays` are parameters, both moments, and the outer momentum where
 * there is one, and must not change until this resolves.
 */
export async function stateDigest(facts: StateFacts, arrays: readonly FlatValues[]): Promise<string> {
  const { step, updates, layoutDigest } = facts;
  const hash = createHash('sha256').update(`${step} ${updates} ${layoutDigest}`);
  for (const array of arrays) {
    const checksums =
      array instanceof Float32Array ? checksumsOf(array) : blockChecksums(array, BLOCK_VALUES);
    hash.update(Uint32Array.from([lengthOf(array), ...(await checksums)]));
  }
  return hash.digest('hex');
}

async function checksumsOf(array: Float32Array): Promise<number[]> {
  const blocks = Array.from({ length: Math.ceil(array.length / BLOCK_VALUES) }, (_, i) =>
    lookAtValues(array.subarray(i * BLOCK_VALUES, (i + 1) * BLOCK_VALUES)),
  );
  return (await Promise.all(blocks)).map(({ checksum }) => checksum);
}

function lengthOf(array: FlatValues): number {
  return array instanceof Float32Array ? array.length : array.reduce((sum, { size }) => sum + size, 0);
}
