// B captions, P prefix positions, L caption positions that are read, T = P + L, D width, N caption tokens, V vocabulary
import { tf } from '@captrain/engine';
import { gpt2Embed, gpt2Head, gpt2Hidden } from '../gpt2/gpt2.js';
import type { Gpt2Computation } from '../gpt2/gpt2-block.js';
import { type MapperComputation, mapPrefix } from '../mapper/mapper.js';
import { sumCrossEntropy } from '../ops/cross-entropy.js';
import type { DropoutKey } from '../ops/dropout.js';
import { embedding } from '../ops/embedding.js';
import type { Parameters } from '../parameters.js';
import type { CaptionTensors } from './caption-batch.js';

/** What the loss is a function of, beside the batch. */
export interface CaptionerParts {
  mapper: MapperComputation;
  mapperParameters: Parameters;
  gpt2: Gpt2Computation;
  /** Without the prefix `gpt.`. */
  gpt2Parameters: Parameters;
}

/**
 * ClipCap's loss, summed (not averaged) over caption tokens: the cross-entropy of each, given the image's prefix and
 * the tokens before it. Only positions that predict a caption token go through the vocabulary. A pure function of
 * tensors, and of the key, with which the language model has dropout; it reads nothing back. Source: Mokady et al. 2021; unlike the reference it learns the end of text, and no
 * token id is left out.
 */
export function captionLoss(
  parts: CaptionerParts,
  batch: CaptionTensors,
  dropoutKey?: DropoutKey,
): tf.Scalar {
  const prefix_BPD = mapPrefix(parts.mapperParameters, parts.mapper, batch.embeddings_BFC, batch.frames_B);
  const words_BLD = gpt2Embed(parts.gpt2Parameters, batch.inputs_BL);
  const inputs_BTD = tf.concat([prefix_BPD, words_BLD], 1);
  const hidden_BTD = gpt2Hidden(parts.gpt2Parameters, parts.gpt2, inputs_BTD, undefined, dropoutKey);
  const hidden_RD = tf.reshape(hidden_BTD, [-1, parts.gpt2.n_embd]);
  const logits_NV = gpt2Head(parts.gpt2Parameters, parts.gpt2, embedding(hidden_RD, batch.rows_N));
  return sumCrossEntropy(logits_NV, batch.targets_N);
}
