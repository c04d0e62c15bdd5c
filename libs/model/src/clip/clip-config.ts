import { UserError } from '@captrain/runtime';
import { z } from 'zod';
import { ACTIVATION_NAMES } from '../ops/activation-names.js';
import type { ParameterShapes } from '../parameters.js';
import { readJsonObject } from '../read-json.js';
import { count, faultsOf, side } from './config-parts.js';

const towerFields = {
  hidden_act: z.enum(ACTIVATION_NAMES).default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
};

/** One Transformer tower; names are Hugging Face's. */
export interface TowerConfig {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  hidden_act: (typeof ACTIVATION_NAMES)[number];
  layer_norm_eps: number;
}

/** What of a CLIP's config.json decides its computation; names and defaults are Hugging Face's (ViT-B/32). */
export const clipConfig = z.object({
  model_type: z.literal('clip').default('clip'),
  projection_dim: count().default(512),
  logit_scale_init_value: z.number().default(2.6592),
  vision_config: z
    .object({
      hidden_size: count().default(768),
      intermediate_size: count().default(3072),
      num_hidden_layers: count().default(12),
      num_attention_heads: count().default(12),
      image_size: side().default(224),
      patch_size: side().default(32),
      num_channels: z.literal(3).default(3),
      ...towerFields,
    })
    .prefault({}),
  text_config: z
    .object({
      vocab_size: count().default(49408),
      hidden_size: count().default(512),
      intermediate_size: count().default(2048),
      num_hidden_layers: count().default(12),
      num_attention_heads: count().default(8),
      max_position_embeddings: count().default(77),
      eos_token_id: z.number().int().min(0).default(49407),
      ...towerFields,
    })
    .prefault({}),
});
export type ClipConfig = z.infer<typeof clipConfig>;

export type VisionConfig = ClipConfig['vision_config'];
export type TextConfig = ClipConfig['text_config'];

/** Reads a folder's config.json. Another architecture, or a setting that cannot be honoured, is a UserError. */
export function readClipConfig(folder: string): ClipConfig {
  return parseClipConfig(readJsonObject(folder, 'config.json'), folder);
}

/**
 * The config of both towers, or of the picture tower alone (`clip_vision_model`; the text tower's is then of no
 * meaning). Old files repeat a tower's settings in `text_config_dict` and `vision_config_dict`, which count there.
 */
export function parseClipConfig(json: Record<string, unknown>, folder: string): ClipConfig {
  const type = json.model_type ?? 'model without model_type';
  if (type !== 'clip' && type !== VISION_ONLY)
    throw new UserError(
      `${folder} holds a ${String(type)}, and captrain's encoders are of the clip architecture; name one of those.`,
    );
  const parsed = clipConfig.safeParse(
    type === VISION_ONLY
      ? { projection_dim: json.projection_dim, vision_config: json }
      : {
          ...json,
          vision_config: json.vision_config_dict ?? json.vision_config ?? {},
          text_config: json.text_config_dict ?? json.text_config ?? {},
        },
  );
  if (!parsed.success) throw new UserError(`${folder}/config.json: ${faultsOf(parsed.error)}.`);
  for (const part of ['vision_config', 'text_config'] as const) {
    const { hidden_size: width, num_attention_heads: heads } = parsed.data[part];
    if (width % heads !== 0)
      throw new UserError(
        `${folder}/config.json: ${heads} heads do not divide the width ${width} in ${part}.`,
      );
  }
  return parsed.data;
}

/** model_type of a picture tower with its projection: transformers' CLIPVisionModelWithProjection. */
export const VISION_ONLY = 'clip_vision_model';

/** Every parameter of a CLIP, in layout order, named as on the Hugging Face hub (`pre_layrnorm` included). */
export function clipShapes(config: ClipConfig): ParameterShapes {
  const { vision_config: vision, text_config: text, projection_dim: projection } = config;
  const patches = Math.floor(vision.image_size / vision.patch_size) ** 2;
  return new Map<string, readonly number[]>([
    ['logit_scale', []],
    ['text_model.embeddings.token_embedding.weight', [text.vocab_size, text.hidden_size]],
    ['text_model.embeddings.position_embedding.weight', [text.max_position_embeddings, text.hidden_size]],
    ...towerShapes('text_model', text),
    ...normShapes('text_model.final_layer_norm', text.hidden_size),
    ['vision_model.embeddings.class_embedding', [vision.hidden_size]],
    [
      'vision_model.embeddings.patch_embedding.weight',
      [vision.hidden_size, vision.num_channels, vision.patch_size, vision.patch_size],
    ],
    ['vision_model.embeddings.position_embedding.weight', [patches + 1, vision.hidden_size]],
    ...normShapes('vision_model.pre_layrnorm', vision.hidden_size),
    ...towerShapes('vision_model', vision),
    ...normShapes('vision_model.post_layernorm', vision.hidden_size),
    ['visual_projection.weight', [projection, vision.hidden_size]],
    ['text_projection.weight', [projection, text.hidden_size]],
  ]);
}

/** The parameters of the picture tower, its projection among them. */
export function visionShapes(config: ClipConfig): ParameterShapes {
  return new Map([...clipShapes(config)].filter(([name]) => name.startsWith('vis')));
}

/** The parameters of the text tower, its projection among them. */
export function textShapes(config: ClipConfig): ParameterShapes {
  return new Map([...clipShapes(config)].filter(([name]) => name.startsWith('text')));
}

type Shape = [string, number[]];

function normShapes(name: string, width: number): Shape[] {
  return [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
}

function linearShapes(name: string, inputs: number, outputs: number): Shape[] {
  return [
    [`${name}.weight`, [outputs, inputs]],
    [`${name}.bias`, [outputs]],
  ];
}

function towerShapes(name: string, config: TowerConfig): Shape[] {
  const { hidden_size: width, intermediate_size: inner, num_hidden_layers: layers } = config;
  return Array.from({ length: layers }, (_, layer) => `${name}.encoder.layers.${layer}`).flatMap((layer) => [
    ...normShapes(`${layer}.layer_norm1`, width),
    ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((part) =>
      linearShapes(`${layer}.self_attn.${part}`, width, width),
    ),
    ...normShapes(`${layer}.layer_norm2`, width),
    ...linearShapes(`${layer}.mlp.fc1`, width, inner),
    ...linearShapes(`${layer}.mlp.fc2`, inner, width),
  ]);
}
