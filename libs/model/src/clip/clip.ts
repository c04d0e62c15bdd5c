// B batch, T positions, N = B·T rows, D width of a tower, Q projection, H×W pixels, G grid of patches a side, S pixels of a patch's side
import { tf } from '@captrain/engine';
import { ACTIVATIONS } from '../ops/activation.js';
import { attention, causalBias, splitHeads } from '../ops/attention.js';
import { embedding } from '../ops/embedding.js';
import { layerNorm } from '../ops/layer-norm.js';
import { linear } from '../ops/linear.js';
import { parameter, type Parameters } from '../parameters.js';
import type { TextConfig, TowerConfig, VisionConfig } from './clip-config.js';

/** eos_token_id of configs saved before it was used: pooling then takes the highest id, as transformers does. */
export const LEGACY_END = 2;

/**
 * Embeddings_BQ of preprocessed pixels_BHWC, not normalised. Source: Radford et al. 2021, and transformers'
 * modeling_clip.py (`get_image_features`).
 */
export function clipImageFeatures(
  parameters: Parameters,
  { vision_config: vision }: { vision_config: VisionConfig },
  pixels_BHWC: tf.Tensor,
): tf.Tensor2D {
  const { hidden_size: width, image_size: image, patch_size: patch } = vision;
  const [batch, height, wide, channels] = pixels_BHWC.shape as [number, number, number, number];
  if (height !== image || wide !== image || channels !== 3)
    throw new Error(`pictures of ${height}×${wide}×${channels} for a CLIP of ${image}×${image}×3`);
  const grid = Math.floor(image / patch);
  const whole = tf.slice(pixels_BHWC, [0, 0, 0, 0], [batch, grid * patch, grid * patch, channels]);
  const cells = tf.transpose(
    tf.reshape(whole, [batch, grid, patch, grid, patch, channels]),
    [0, 1, 3, 5, 2, 4],
  );
  const pieces = tf.reshape(cells, [batch, grid * grid, channels * patch * patch]);
  const kernel = tf.reshape(parameter(parameters, 'vision_model.embeddings.patch_embedding.weight'), [
    width,
    -1,
  ]);
  const patches_BTD = linear(pieces, kernel, undefined, 'out-in');
  const summary = tf.reshape(parameter(parameters, 'vision_model.embeddings.class_embedding'), [1, 1, width]);
  const tokens_BTD = tf.concat([tf.tile(summary, [batch, 1, 1]), patches_BTD], 1);
  const placed = tf.add(
    tokens_BTD,
    parameter(parameters, 'vision_model.embeddings.position_embedding.weight'),
  );
  const start = norm(parameters, 'vision_model.pre_layrnorm', placed, vision);
  const hidden_BTD = tower(parameters, 'vision_model', vision, start);
  const pooled_BD = tf.reshape(tf.slice(hidden_BTD, [0, 0, 0], [batch, 1, width]), [batch, width]);
  const normal_BD = norm(parameters, 'vision_model.post_layernorm', pooled_BD, vision);
  return project(parameters, 'visual_projection', normal_BD);
}

/**
 * Embeddings_BQ of token ids_BT (int32; start and end tokens included, padded behind), not normalised: the causal
 * tower's state at the first end token.
 */
export function clipTextFeatures(
  parameters: Parameters,
  { text_config: text }: { text_config: TextConfig },
  tokens_BT: tf.Tensor,
): tf.Tensor2D {
  const [batch, length] = tokens_BT.shape as [number, number];
  const words_BTD = embedding(
    parameter(parameters, 'text_model.embeddings.token_embedding.weight'),
    tokens_BT,
  );
  const table = parameter(parameters, 'text_model.embeddings.position_embedding.weight');
  const placed = tf.add(words_BTD, tf.slice(table, [0, 0], [length, text.hidden_size]));
  const tower_BTD = tower(parameters, 'text_model', text, placed, causalBias(length, length));
  const hidden_BTD = norm(parameters, 'text_model.final_layer_norm', tower_BTD, text);
  const isEnd =
    text.eos_token_id === LEGACY_END ? tokens_BT : tf.cast(tf.equal(tokens_BT, text.eos_token_id), 'int32');
  const ends_B = tf.add(tf.argMax(isEnd, 1), tf.range(0, batch * length, length, 'int32'));
  const pooled_BD = embedding(tf.reshape(hidden_BTD, [batch * length, text.hidden_size]), ends_B);
  return project(parameters, 'text_projection', pooled_BD);
}

function tower(
  parameters: Parameters,
  name: string,
  config: TowerConfig,
  start_BTD: tf.Tensor,
  bias?: tf.Tensor,
): tf.Tensor {
  const heads = config.num_attention_heads;
  const scale = Math.sqrt(heads / config.hidden_size);
  const activate = ACTIVATIONS[config.hidden_act];
  const [batch, positions, width] = start_BTD.shape as [number, number, number];
  let x_ND: tf.Tensor = tf.reshape(start_BTD, [batch * positions, width]);
  for (let index = 0; index < config.num_hidden_layers; index++) {
    const layer = `${name}.encoder.layers.${index}`;
    const affine = (part: string, x: tf.Tensor) =>
      linear(
        x,
        parameter(parameters, `${layer}.${part}.weight`),
        parameter(parameters, `${layer}.${part}.bias`),
        'out-in',
      );
    const normal_ND = norm(parameters, `${layer}.layer_norm1`, x_ND, config);
    const [queries, keys, values] = ['q_proj', 'k_proj', 'v_proj'].map(
      (part) => splitHeads(affine(`self_attn.${part}`, normal_ND), batch, 1, heads)[0]!,
    );
    const attended_ND = attention(queries!, keys!, values!, scale, bias);
    const middle_ND = tf.add(x_ND, affine('self_attn.out_proj', attended_ND));
    const inner = activate(affine('mlp.fc1', norm(parameters, `${layer}.layer_norm2`, middle_ND, config)));
    x_ND = tf.add(middle_ND, affine('mlp.fc2', inner));
  }
  return tf.reshape(x_ND, start_BTD.shape);
}

function norm(parameters: Parameters, name: string, x: tf.Tensor, config: TowerConfig): tf.Tensor {
  const gain = parameter(parameters, `${name}.weight`);
  return layerNorm(x, gain, parameter(parameters, `${name}.bias`), config.layer_norm_eps);
}

function project(parameters: Parameters, name: string, x_BD: tf.Tensor): tf.Tensor2D {
  return linear(x_BD, parameter(parameters, `${name}.weight`), undefined, 'out-in') as tf.Tensor2D;
}
