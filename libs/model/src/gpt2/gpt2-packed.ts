// N rows, S segments, D width
import { tf } from '@captrain/engine';
import { checkpoint } from '../ops/checkpoint.js';
import { dropout } from '../ops/dropout.js';
import { embedding } from '../ops/embedding.js';
import { packedAttention } from '../ops/packed-attention.js';
import { parameter, type Parameters } from '../parameters.js';
import { attentionScale, blockParameters, gpt2Block, type Gpt2Computation, gpt2Norm } from './gpt2-block.js';

/** How rows of many sequences lie one behind another: see `PackedBatch`. */
export interface PackedRows {
  /** The place of every row in its own sequence (int32). */
  positions_N: tf.Tensor1D;
  /** Which rows see which (int32). */
  segments_S3: tf.Tensor2D;
}

/** How the stream is computed, beside the config. */
export interface PackedComputation {
  /** With a seed there is dropout by the config's rates. */
  seed_2?: tf.Tensor1D | undefined;
  /**
   * What gradients will be asked for: of the inputs alone, or of the parameters too. With `checkpointActivations` a
   * block's values are kept for neither.
   */
  gradients?: 'none' | 'hidden' | 'both';
}

/**
 * GPT-2's residual stream behind its last block, for packed rows: inputs_ND (embeddings without positions) give x_ND,
 * to which the last layer norm is still to be applied.
 */
export function gpt2Packed(
  parameters: Parameters,
  config: Gpt2Computation,
  inputs_ND: tf.Tensor,
  { positions_N, segments_S3 }: PackedRows,
  { seed_2, gradients = 'none' }: PackedComputation = {},
): tf.Tensor2D {
  const places_ND = embedding(parameter(parameters, 'transformer.wpe.weight'), positions_N);
  let x_ND = dropout(tf.add(inputs_ND, places_ND), config.embd_pdrop, seed_2, 'embeddings') as tf.Tensor2D;
  for (let layer = 0; layer < config.n_layer; layer++) {
    const attend = (qkv: tf.Tensor) =>
      packedAttention(qkv, segments_S3, {
        heads: config.n_head,
        scale: attentionScale(config, layer),
        causal: true,
        dropout: {
          rate: config.attn_pdrop,
          seed_2,
          place: `transformer.h.${layer}.attn.weights`,
        },
      });
    const block = (x: tf.Tensor) => gpt2Block(parameters, config, layer, x, { attend, seed_2 });
    if (!config.checkpointActivations || gradients === 'none') x_ND = block(x_ND);
    else {
      const trained = gradients === 'both' ? blockParameters(parameters, layer) : [];
      x_ND = checkpoint(block, x_ND, trained) as tf.Tensor2D;
    }
  }
  return x_ND;
}

/** GPT-2's last layer norm, of any rows of the residual stream. */
export function gpt2LastNorm(parameters: Parameters, config: Gpt2Computation, x_RD: tf.Tensor): tf.Tensor2D {
  return gpt2Norm(parameters, 'transformer.ln_f', x_RD, config) as tf.Tensor2D;
}
