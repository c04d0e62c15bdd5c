// B batch, T positions of this call, S positions with those in the cache, D width, H heads, E width of a head,
// V vocabulary, N = B·T rows
import { tf } from '@captrain/engine';
import type { PrecisionConfig } from '../config.js';
import { ACTIVATIONS } from '../ops/activation.js';
import { attention, causalBias, splitHeads } from '../ops/attention.js';
import { dropout, type DropoutKey } from '../ops/dropout.js';
import { embedding } from '../ops/embedding.js';
import { layerNorm } from '../ops/layer-norm.js';
import { linear } from '../ops/linear.js';
import { parameter, type Parameters } from '../parameters.js';
import type { Gpt2Config } from './gpt2-config.js';

/** A GPT-2's config, and the precision of its linear layers (float32 unless given). */
export type Gpt2Computation = Gpt2Config & Partial<PrecisionConfig>;

/** Keys and values of the positions seen so far, one BHSE tensor a layer. Its owner disposes them. */
export type Gpt2Cache = { keys: tf.Tensor[]; values: tf.Tensor[] };

/** Token ids of any shape to their embeddings, …D. */
export function gpt2Embed(parameters: Parameters, tokens: tf.Tensor): tf.Tensor {
  return embedding(parameter(parameters, 'transformer.wte.weight'), tokens);
}

/**
 * GPT-2's hidden states, after its last layer norm: inputs_BTD (embeddings without positions) give hidden_BTD. Causal;
 * the mask, where given, is 1 for positions that may be seen and 0 for the others (keys are masked, as in
 * transformers). With a key there is dropout by the config's rates, as in training; without, none. Source: Radford et
 * al. 2019, and transformers' modeling_gpt2.py.
 */
export function gpt2Hidden(
  parameters: Parameters,
  config: Gpt2Computation,
  inputs_BTD: tf.Tensor,
  mask_BT?: tf.Tensor,
  dropoutKey?: DropoutKey,
): tf.Tensor3D {
  return gpt2Step(parameters, config, inputs_BTD, undefined, mask_BT, dropoutKey).hidden_BTD;
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
  dropoutKey?: DropoutKey,
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
  const start_ND = tf.reshape(tf.add(inputs_BTD, positions_TD), [batch * positions, width]);
  let x_ND = dropout(start_ND, config.embd_pdrop, dropoutKey, 'embeddings');
  const keys: tf.Tensor[] = [];
  const values: tf.Tensor[] = [];
  for (let layer = 0; layer < config.n_layer; layer++) {
    const seen = cache && { keys: cache.keys[layer]!, values: cache.values[layer]! };
    const block = gpt2Block(parameters, config, layer, x_ND, { batch, bias, seen, dropoutKey });
    x_ND = block.x_ND;
    keys.push(block.keys);
    values.push(block.values);
  }
  const hidden_ND = norm(parameters, 'transformer.ln_f', x_ND, config);
  return { hidden_BTD: tf.reshape(hidden_ND, [batch, positions, width]), cache: { keys, values } };
}

function gpt2Block(
  parameters: Parameters,
  config: Gpt2Computation,
  layer: number,
  x_ND: tf.Tensor,
  context: {
    batch: number;
    bias: tf.Tensor | undefined;
    seen: { keys: tf.Tensor; values: tf.Tensor } | undefined;
    dropoutKey: DropoutKey | undefined;
  },
) {
  const { batch, bias, seen, dropoutKey } = context;
  const name = `transformer.h.${layer}`;
  const conv = (part: string, x: tf.Tensor) =>
    linear(
      x,
      parameter(parameters, `${name}.${part}.weight`),
      parameter(parameters, `${name}.${part}.bias`),
      'in-out',
      config.precision,
    );
  /** What a branch adds to its input. */
  const residual = (part: string, x: tf.Tensor) =>
    dropout(conv(part, x), config.resid_pdrop, dropoutKey, `${name}.${part}`);
  const dropWeights = (weights: tf.Tensor) =>
    dropout(weights, config.attn_pdrop, dropoutKey, `${name}.attn.weights`);
  const qkv = conv('attn.c_attn', norm(parameters, `${name}.ln_1`, x_ND, config));
  const [queries_BHTE, newKeys, newValues] = splitHeads(qkv, batch, 3, config.n_head) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const keys = seen === undefined ? newKeys : tf.concat([seen.keys, newKeys], 2);
  const values = seen === undefined ? newValues : tf.concat([seen.values, newValues], 2);
  const scale = attentionScale(config, layer);
  const attended_ND = attention(queries_BHTE, keys, values, scale, bias, dropWeights);
  const middle_ND = tf.add(x_ND, residual('attn.c_proj', attended_ND));
  const activate = ACTIVATIONS[config.activation_function];
  const inner = activate(conv('mlp.c_fc', norm(parameters, `${name}.ln_2`, middle_ND, config)));
  return { x_ND: tf.add(middle_ND, residual('mlp.c_proj', inner)), keys, values };
}

function attentionScale(config: Gpt2Computation, layer: number): number {
  const byWidth = config.scale_attn_weights ? 1 / Math.sqrt(config.n_embd / config.n_head) : 1;
  return config.scale_attn_by_inverse_layer_idx ? byWidth / (layer + 1) : byWidth;
}

function norm(parameters: Parameters, name: string, x: tf.Tensor, config: Gpt2Computation): tf.Tensor {
  const gain = parameter(parameters, `${name}.weight`);
  return layerNorm(x, gain, parameter(parameters, `${name}.bias`), config.layer_norm_epsilon);
}

/** Logits over the vocabulary for hidden states of any shape …D, by the tied or the untied head. */
export function gpt2Head(parameters: Parameters, config: Gpt2Computation, hidden: tf.Tensor): tf.Tensor {
  const head = config.tie_word_embeddings ? 'transformer.wte.weight' : 'lm_head.weight';
  return linear(hidden, parameter(parameters, head), undefined, 'out-in', config.precision);
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
