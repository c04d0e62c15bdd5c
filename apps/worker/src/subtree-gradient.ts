import { type BufferPool, addInto } from '@captrain/runtime';
import type { Subtree } from '@captrain/protos';

/** The sums that one microbatch yields beside its gradient. */
export interface MicrobatchSums {
  readonly lossSum: number;
  readonly captionTokens: number;
  readonly captions: number;
  /** How long it waited for its data. */
  readonly inputSeconds: number;
}

/**
 * The gradient sum of an aligned subtree, added up the same binary tree that the coordinator goes on with.
 * Holds one buffer per level of the tree. `compute` writes a microbatch's gradient into the buffer it is given.
 *
 * @param microbatches of the whole step: at the tree's ragged edge a right half may be empty
 * @param onSums called with each microbatch's sums, from first to last
 * @returns a buffer of the pool, which the caller gives back
 */
export async function subtreeGradient(
  { first, count }: Subtree,
  microbatches: number,
  pool: BufferPool,
  compute: (microbatch: number, gradient: Float32Array) => Promise<MicrobatchSums>,
  onSums: (sums: MicrobatchSums) => void,
): Promise<Float32Array> {
  if (count === 1) {
    const gradient = pool.take();
    onSums(await compute(first, gradient));
    return gradient;
  }
  const half = count / 2;
  const left = await subtreeGradient({ first, count: half }, microbatches, pool, compute, onSums);
  if (first + half >= microbatches) return left;
  const right = await subtreeGradient(
    { first: first + half, count: half },
    microbatches,
    pool,
    compute,
    onSums,
  );
  addInto(left, right);
  pool.give(right);
  return left;
}
