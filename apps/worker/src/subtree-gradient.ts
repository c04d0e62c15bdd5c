import { accumulate, tf } from '@captrain/engine';
import type { Subtree } from '@captrain/protos';

/** The sums that one microbatch yields beside its gradient. */
export interface MicrobatchSums {
  readonly lossSum: number;
  readonly captionTokens: number;
  readonly captions: number;
  /** How long it waited for its data. */
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
 * @param onSums called with each microbatch's sums, from first to last
 */
export async function subtreeGradient(
  { first, count }: Subtree,
  microbatches: number,
  compute: (microbatch: number) => Promise<MicrobatchGradient>,
  onSums: (sums: MicrobatchSums) => void,
): Promise<tf.Tensor[]> {
  if (count === 1) {
    const { gradients, sums } = await compute(first);
    onSums(sums);
    return gradients;
  }
  const half = count / 2;
  const left = await subtreeGradient({ first, count: half }, microbatches, compute, onSums);
  if (first + half >= microbatches) return left;
  const second = { first: first + half, count: half };
  try {
    const right = await subtreeGradient(second, microbatches, compute, onSums);
    const sum = left.map((tensor) => tf.variable(tensor));
    tf.dispose(left);
    accumulate(sum, right);
    tf.dispose(right);
    return sum;
  } catch (error) {
    tf.dispose(left);
    throw error;
  }
}
