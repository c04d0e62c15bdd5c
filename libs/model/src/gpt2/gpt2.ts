// B batch, T positions of this call, S positions with those in the cache, D width, H heads, E width of a head,
// V vocabulary, N = B·T rows
import { tf } from '@captrain/engine';
import { attention, causalBias, splitHeads } from '../ops/attention.js';
import { embedding } from '../ops/embedding.js';
import { linear } from '../ops/linear.js';
import { parameter, type Parameters } from '../parameters.js';
import { attentionScale, gpt2Block, type Gpt2Computation, gpt2Norm } from './gpt2-block.js';

/** Keys and values of the positions seen so far, one BHSE tensor a layer. Its owner disposes them. */
export type Gpt2Cache = { keys: tf.Tensor[]; values: tf.Tensor[] };

/** Token ids of any shape to their embeddings, …D. */
export function gpt2Embed(parameters: Parameters, tokens: tf.Tensor): tf.Tensor {
  return embedding(parameter(parameters, 'transformer.wte.weight'), tokens);
}

/**
 * GPT-2's hidden states, after its last layer norm: inputs_BTD (embeddings without positions) give hidden_BTD. Causal;
 * the mask, where given, is 1 for positions that may be seen and 0 for the others (keys are masked, as in
 * transformers). Source: Radford et
 * al. 2019, and transformers' modeling_gpt2.py.
 */
export function gpt2Hidden(
  parameters: Parameters,
  config: Gpt2Computation,
  inputs_BTD: tf.Tensor,
  mask_BT?: tf.Tensor,
): tf.Tensor3D {
  return gpt2Step(parameters, config, inputs_BTD, undefined, mask_BT).hidden_BTD;
}

/**
 * The same for positions that follow those in a cache (none: from the start). Also returns the cache with the new
 * positions in it; the given one is left as it is. The mask covers all S positions.
 */
export function gpt2Step(
  parameters: Parameters,
  config: Gpt2Computation,
  inputs_BTD: tf.Tensor,
  cache?: Gpt2Cache,
  mask_BS?: tf.Tensor,
): { hidden_BTD: tf.Tensor3D; cache: Gpt2Cache } {
  const [batch, positions, width] = inputs_BTD.shape as [number, number, number];
  const past = cache?.keys[0]?.shape[2] ?? 0;
  if (past + positions > config.n_positions)
    throw new Error(`${past + positions} positions where the model has ${config.n_positions}`);
  const positions_TD = tf.slice(
    parameter(parameters, 'transformer.wpe.weight'),
    [past, 0],
    [positions, width],
  );
  let bias: tf.Tensor | undefined = positions > 1 ? causalBias(positions, past + positions) : undefined;
  if (mask_BS !== undefined) {
    const hidden_B11S = tf.reshape(tf.mul(tf.sub(mask_BS, 1), 1e9), [batch, 1, 1, past + positions]);
    bias = bias === undefined ? hidden_B11S : tf.add(bias, hidden_B11S);
  }
  let x_ND = tf.reshape(tf.add(inputs_BTD, positions_TD), [batch * positions, width]) as tf.Tensor2D;
  const keys: tf.Tensor[] = [];
  const values: tf.Tensor[] = [];
  for (let layer = 0; layer < config.n_layer; layer++) {
    const attend = (qkv: tf.Tensor) => {
      const parts = splitHeads(qkv, batch, 3, config.n_head);
      const seen = cache && [cache.keys[layer]!, cache.values[layer]!];
      keys.push(seen === undefined ? parts[1]! : tf.concat([seen[0]!, parts[1]!], 2));
      values.push(seen === undefined ? parts[2]! : tf.concat([seen[1]!, parts[2]!], 2));
      return attention(parts[0]!, keys[layer]!, values[layer]!, attentionScale(config, layer), bias);
    };
    x_ND = gpt2Block(parameters, config, layer, x_ND, { attend });
  }
  const hidden_ND = gpt2Norm(parameters, 'transformer.ln_f', x_ND, config);
  return { hidden_BTD: tf.reshape(hidden_ND, [batch, positions, width]), cache: { keys, values } };
}

/** The weights head_VD that make logits of hidden states: those of the words, or their own. */
export function headOf(parameters: Parameters, config: Gpt2Computation): tf.Tensor2D {
  const name = config.tie_word_embeddings ? 'transformer.wte.weight' : 'lm_head.weight';
  return parameter(parameters, name) as tf.Tensor2D;
}

/** Logits over the vocabulary for hidden states of any shape …D, by the tied or the untied head. */
export function gpt2Head(parameters: Parameters, config: Gpt2Computation, hidden: tf.Tensor): tf.Tensor {
  return linear(hidden, headOf(parameters, config), undefined, 'out-in', config.precision);
}

/** Logits_BTV for tokens_BT (int32): the whole model. */
export function gpt2Logits(
  parameters: Parameters,
  config: Gpt2Computation,
  tokens_BT: tf.Tensor,
  mask_BT?: tf.Tensor,
): tf.Tensor3D {
  const hidden_BTD = gpt2Hidden(parameters, config, gpt2Embed(parameters, tokens_BT), mask_BT);
  return gpt2Head(parameters, config, hidden_BTD) as tf.Tensor3D;
}
