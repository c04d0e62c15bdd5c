import { UserError, parseConfig } from '@captrain/runtime';
import { z } from 'zod';
import { ACTIVATION_NAMES } from '../ops/activation-names.js';
import type { ParameterShapes } from '../parameters.js';
import { readJsonObject } from '../read-json.js';
import { refuseOtherModels } from './refuse-other-models.js';

const size = () => z.number().int().min(1);
const rate = () => z.number().min(0).lt(1);

/** What of a GPT-2's config.json decides its computation; names and defaults are Hugging Face's (GPT-2 small). */
export const gpt2Config = z.object({
  model_type: z.literal('gpt2').default('gpt2'),
  vocab_size: size().default(50257),
  n_positions: size().default(1024),
  n_embd: size().default(768),
  n_layer: size().default(12),
  n_head: size().default(12),
  n_inner: size().nullable().default(null),
  activation_function: z.enum(ACTIVATION_NAMES).default('gelu_new'),
  resid_pdrop: rate().default(0.1),
  embd_pdrop: rate().default(0.1),
  attn_pdrop: rate().default(0.1),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  initializer_range: z.number().positive().default(0.02),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(true),
});
export type Gpt2Config = z.infer<typeof gpt2Config>;

/** A config's three rates of dropout, all set to one. */
export function dropoutRates(rate: number): Pick<Gpt2Config, 'resid_pdrop' | 'embd_pdrop' | 'attn_pdrop'> {
  return { resid_pdrop: rate, embd_pdrop: rate, attn_pdrop: rate };
}

/** Names that transformers takes for the same settings. */
const ALIASES = {
  hidden_size: 'n_embd',
  max_position_embeddings: 'n_positions',
  num_attention_heads: 'n_head',
  num_hidden_layers: 'n_layer',
};

/** Reads a folder's config.json. Another architecture, or a setting that cannot be honoured, is a UserError. */
export function readGpt2Config(folder: string): Gpt2Config {
  const json = readJsonObject(folder, 'config.json');
  refuseOtherModels(json, folder);
  for (const [alias, name] of Object.entries(ALIASES)) if (alias in json) json[name] ??= json[alias];
  const config = parseConfig(gpt2Config, json, `${folder}/config.json`);
  if (config.n_embd % config.n_head !== 0)
    throw new UserError(
      `${folder}/config.json: n_head ${config.n_head} does not divide n_embd ${config.n_embd}.`,
    );
  return config;
}

/** Every parameter of a GPT-2, in layout order, named as on the Hugging Face hub. */
export function gpt2Shapes(config: Gpt2Config): ParameterShapes {
  const { vocab_size: vocabulary, n_positions: positions, n_embd: width, n_layer: layers } = config;
  const inner = config.n_inner ?? 4 * width;
  const shapes = new Map<string, number[]>([
    ['transformer.wte.weight', [vocabulary, width]],
    ['transformer.wpe.weight', [positions, width]],
  ]);
  for (let layer = 0; layer < layers; layer++) {
    const block: [string, number[]][] = [
      ['ln_1.weight', [width]],
      ['ln_1.bias', [width]],
      ['attn.c_attn.weight', [width, 3 * width]],
      ['attn.c_attn.bias', [3 * width]],
      ['attn.c_proj.weight', [width, width]],
      ['attn.c_proj.bias', [width]],
      ['ln_2.weight', [width]],
      ['ln_2.bias', [width]],
      ['mlp.c_fc.weight', [width, inner]],
      ['mlp.c_fc.bias', [inner]],
      ['mlp.c_proj.weight', [inner, width]],
      ['mlp.c_proj.bias', [width]],
    ];
    for (const [name, shape] of block) shapes.set(`transformer.h.${layer}.${name}`, shape);
  }
  shapes.set('transformer.ln_f.weight', [width]);
  shapes.set('transformer.ln_f.bias', [width]);
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [vocabulary, width]);
  return shapes;
}
