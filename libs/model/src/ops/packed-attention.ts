// N rows, S segments, D width, H heads
import { hasKernels, rawOp, tf } from '@captrain/engine';
import { composedAttention } from './composed-attention.js';
import { dropout, seedAt } from './dropout.js';
import { withGradient } from './with-gradient.js';

/** qkv_N(3D), queries, keys and values side by side; or queries_ND, and keys with values, N(2D). Heads stand side by side. */
export type PackedParts = tf.Tensor | { queries: tf.Tensor; keysValues: tf.Tensor };

export interface PackedAttention {
  heads: number;
  /** What scores are multiplied by. */
  scale: number;
  /** Whether a row sees of its own segment only what stands up to itself. */
  causal: boolean;
}

/** Dropout of the weights of an attention: see `dropout`. */
export interface WeightDropout {
  rate: number;
  /** The pass's seed; without one nothing is dropped. */
  seed_2: tf.Tensor1D | undefined;
  place: string;
}

/**
 * Softmax attention of rows that are packed without padding, to out_ND. `segments` (int32) says which rows see which,
 * by runs of rows that see the same:
 * - [S, 3], a forest: [first, end, parent]. The rows from `first` to before `end` see all rows of the parent (an earlier
 *   segment's number, or −1) and its ancestors, and their own.
 * - [S, 4], ranges: [first, end, seenFirst, seenEnd]. They see those from `seenFirst` to before `seenEnd`, and, where
 *   attention is causal, their own.
 *
 * Rows in no segment, and rows that see nothing, give zeros and have no gradient. Where there are kernels, segments that
 * do not fit are an error that names them, the cost is that of what is seen, and no weights are kept for the gradient;
 * which weights are dropped is drawn in another way than elsewhere, from the same seed. Otherwise see `composedAttention`.
 */
export function packedAttention(
  parts: PackedParts,
  segments: tf.Tensor2D,
  options: PackedAttention & { dropout?: WeightDropout | undefined },
): tf.Tensor2D {
  const { rate = 0, seed_2, place = '' } = options.dropout ?? {};
  if (!hasKernels())
    return composedAttention(parts, segments, options, (weights) => dropout(weights, rate, seed_2, place));
  const seed = seed_2 === undefined || rate === 0 ? undefined : seedAt(seed_2, place);
  return attentionByKernel(parts, segments, options, { rate: seed === undefined ? 0 : rate, seed });
}

function attentionByKernel(
  parts: PackedParts,
  segments: tf.Tensor2D,
  { heads, scale, causal }: PackedAttention,
  { rate, seed = tf.zeros([2], 'int32') }: { rate: number; seed: tf.Tensor | undefined },
): tf.Tensor2D {
  const inputs: Record<string, tf.Tensor> = parts instanceof tf.Tensor ? { qkv: parts } : { ...parts };
  const names = parts instanceof tf.Tensor ? ['qkv'] : ['queries', 'keysValues'];
  const tensors = names.map((name) => inputs[name]!);
  const attributes = {
    N: { int: tensors.length },
    heads: { int: heads },
    scale: { float: scale },
    causal,
    rate: { float: rate },
  };
  return withGradient(
    inputs,
    (save) => {
      const [out_ND, lse_HN] = rawOp('CaptrainAttention', [...tensors, segments, seed], attributes, 2);
      save([...tensors, segments, seed, lse_HN!]);
      return out_ND!;
    },
    // One op for all parts: it is called only if one of them is asked for.
    (dout_ND, saved) => {
      const gradients = rawOp('CaptrainAttentionGrad', [dout_ND, ...saved], attributes, tensors.length);
      return Object.fromEntries(names.map((name, index) => [name, () => gradients[index]!]));
    },
  ) as tf.Tensor2D;
}
