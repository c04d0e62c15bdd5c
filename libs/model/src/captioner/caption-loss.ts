// I images, F frames, C width of an embedding, P prefix positions, M caption positions that are read, N = I·P + M rows,
// R rows that predict, D width of the language model
import { opScope, tf } from '@captrain/engine';
import { gpt2LastNorm, gpt2Packed } from '../gpt2/gpt2-packed.js';
import type { Gpt2Computation } from '../gpt2/gpt2-block.js';
import { headOf } from '../gpt2/gpt2.js';
import { type MapperComputation, mapPrefix } from '../mapper/mapper.js';
import { addRows, embedding } from '../ops/embedding.js';
import { headLoss } from '../ops/head-loss.js';
import { parameter, type Parameters } from '../parameters.js';
import type { PackedTensors } from './packed-tensors.js';

/** What the loss is a function of, beside the batch. */
export interface CaptionerParts {
  mapper: MapperComputation;
  mapperParameters: Parameters;
  gpt2: Gpt2Computation;
  /** Without the prefix `gpt.`. */
  gpt2Parameters: Parameters;
}

const WORDS = 'transformer.wte.weight';

/**
 * ClipCap's loss, summed (not averaged) over caption tokens: the cross-entropy of each, given the image's prefix and
 * the tokens before it. Only rows that predict a caption token go through the vocabulary. A pure function of tensors;
 * it reads nothing back. Source: Mokady et al. 2021; unlike the reference it learns the end of text, and no token id is
 * left out.
 */
export function captionLoss(parts: CaptionerParts, batch: PackedTensors): tf.Scalar {
  const words_MD = tf.gather(parameter(parts.gpt2Parameters, WORDS), batch.tokens_M) as tf.Tensor2D;
  return lossOfWords(parts, batch, words_MD, { gradients: 'none' });
}

/**
 * The loss, and its gradient for each of the trained parameters, in their order: the mapper's, and GPT-2's unless it is
 * `frozen`. With a key the language model has dropout by its config's rates. Profiles see its ops as `forward/…` and
 * `backward/…`.
 */
export function captionGradient(
  parts: CaptionerParts,
  trained: readonly tf.Tensor[],
  batch: PackedTensors,
  options: CaptionGradientOptions,
): { loss: tf.Scalar; gradients: tf.Tensor[] } {
  return opScope('backward', () => differentiate(parts, trained, batch, options));
}

export interface CaptionGradientOptions {
  frozen: boolean;
  seed_2?: tf.Tensor1D | undefined;
}

/** All that is not in a scope of its own is the backward pass. */
function differentiate(
  parts: CaptionerParts,
  trained: readonly tf.Tensor[],
  batch: PackedTensors,
  { frozen, seed_2 }: CaptionGradientOptions,
): { loss: tf.Scalar; gradients: tf.Tensor[] } {
  const words_VD = parameter(parts.gpt2Parameters, WORDS);
  const words_MD = opScope('forward', () => tf.gather(words_VD, batch.tokens_M)) as tf.Tensor2D;
  const gradientsOf = frozen ? 'hidden' : 'both';
  const loss = () =>
    opScope('forward', () => lossOfWords(parts, batch, words_MD, { gradients: gradientsOf, seed_2 }));
  if (frozen) {
    const { value, grads } = tf.valueAndGrads(loss)([...trained]);
    return { loss: value as tf.Scalar, gradients: grads };
  }
  // The table of words is read twice, by rows at the bottom and as a whole at the head (where it is tied). The few rows
  // are added to the head's gradient by themselves: autograd would make a second one of the whole table's size.
  const tied = parts.gpt2.tie_word_embeddings;
  const through = trained.filter((tensor) => tied || tensor !== words_VD);
  const { value, grads } = tf.valueAndGrads(loss)([...through, words_MD]);
  const dWords_MD = grads.pop()!;
  const gradients = trained.map((tensor) => {
    if (tensor !== words_VD) return grads[through.indexOf(tensor)]!;
    const whole_VD = tied ? grads[through.indexOf(tensor)]! : tf.zerosLike(words_VD);
    return addRows(whole_VD, batch.tokens_M, dWords_MD);
  });
  return { loss: value as tf.Scalar, gradients };
}

function lossOfWords(
  { mapper, mapperParameters, gpt2, gpt2Parameters }: CaptionerParts,
  batch: PackedTensors,
  words_MD: tf.Tensor2D,
  { gradients, seed_2 }: { gradients: 'none' | 'hidden' | 'both'; seed_2?: tf.Tensor1D | undefined },
): tf.Scalar {
  const prefix_IPD = mapPrefix(mapperParameters, mapper, batch.embeddings_IFC, batch.frames_I);
  const inputs_ND = tf.concat([tf.reshape(prefix_IPD, [-1, gpt2.n_embd]), words_MD], 0);
  const x_ND = gpt2Packed(gpt2Parameters, gpt2, inputs_ND, batch, { seed_2, gradients });
  const hidden_RD = gpt2LastNorm(gpt2Parameters, gpt2, embedding(x_ND, batch.predicting_R));
  const precision = gpt2.precision ?? 'float32';
  return headLoss(hidden_RD, headOf(gpt2Parameters, gpt2), batch, { gradients, precision });
}
