import { accumulate, tf } from '@captrain/engine';
import type { Subtree } from '@captrain/protos';
import { Abandoned } from './abandoned.js';

/** The sums that one microbatch yields beside its gradient. */
export interface MicrobatchSums {
  readonly lossSum: number;
  readonly captionTokens: number;
  readonly captions: number;
  /** Its captions, by their position in the split. */
  readonly samples: Uint32Array;
  /** How long it took; and in that, how long it waited for its data. */
  readonly seconds: number;
  readonly inputSeconds: number;
}

/** A microbatch's gradient sum, a tensor for each trained parameter, and its other sums. */
export interface MicrobatchGradient {
  readonly gradients: tf.Tensor[];
  readonly sums: MicrobatchSums;
}

/**
 * The gradient sum of an aligned subtree, added up the same binary tree that the coordinator goes on with; on the device,
 * where one gradient per level of the tree is held. The tensors are the caller's.
 *
 * @param microbatches of the whole step: at the tree's ragged edge a right half may be empty
 * @param compute its tensors become this function's
 * @param onSums called with each microbatch and its sums, from first to last
 * @param keep takes over the sums that are there already when `compute` throws `Abandoned`
 */
export async function subtreeGradient(
  { first, count }: Subtree,
  microbatches: number,
  compute: (microbatch: number) => Promise<MicrobatchGradient>,
  onSums: (microbatch: number, sums: MicrobatchSums) => void,
  keep: (subtree: Subtree, tensors: tf.Tensor[]) => Promise<void>,
): Promise<tf.Tensor[]> {
  if (count === 1) {
    const { gradients, sums } = await compute(first);
    onSums(first, sums);
    return gradients;
  }
  const half = count / 2;
  const firstHalf = { first, count: half };
  const left = await subtreeGradient(firstHalf, microbatches, compute, onSums, keep);
  if (first + half >= microbatches) return left;
  const secondHalf = { first: first + half, count: half };
  try {
    const right = await subtreeGradient(secondHalf, microbatches, compute, onSums, keep);
    const sum = left.map((tensor) => tf.variable(tensor));
    tf.dispose(left);
    accumulate(sum, right);
    tf.dispose(right);
    return sum;
  } catch (error) {
    if (error instanceof Abandoned) await keep(firstHalf, left);
    else tf.dispose(left);
    throw error;
  }
}
