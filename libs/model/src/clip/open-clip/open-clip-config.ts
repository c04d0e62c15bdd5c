import { UserError } from '@captrain/runtime';
import { z } from 'zod';
import { count, faultsOf, side } from '../config-parts.js';

/** An option that changes the computation and is not known: only the value that leaves it as it is. */
const only = (...values: unknown[]) =>
  z
    .unknown()
    .refine((value) => value === null || values.includes(value), {
      error: ({ input }) => `${JSON.stringify(input)} is not known`,
    })
    .optional();

/** An option without effect on embeddings, or on the towers that are known. */
const ignored = z.unknown().optional();

const blockOptions = {
  mlp_ratio: z.number().positive().default(4),
  ls_init_value: only(),
  act_kwargs: only(),
  norm_kwargs: only(),
  block_type: only('default'),
  qk_norm: only(false),
  scaled_cosine_attn: only(false),
  scale_heads: only(false),
  scale_attn_inner: only(false),
  scale_attn: only(false),
  scale_fc: only(false),
  output_tokens: only(false),
  final_ln_after_pool: ignored,
};

const visionConfig = z.strictObject({
  layers: z.union([count(), z.tuple([count(), count(), count(), count()])]).default(12),
  width: count().default(768),
  head_width: count().default(64),
  patch_size: side().nullable().default(16),
  image_size: side().default(224),
  ...blockOptions,
  patch_dropout: ignored,
  pos_embed_type: only('learnable', 'sin_cos_2d'),
  attentional_pool: only(false),
  attn_pooler_queries: ignored,
  attn_pooler_heads: ignored,
  no_ln_pre: only(false),
  pool_type: only('tok'),
  timm_model_name: only(),
  timm_model_pretrained: ignored,
  timm_pool: ignored,
  timm_proj: ignored,
  timm_proj_bias: ignored,
  timm_drop: ignored,
  timm_drop_path: ignored,
});

const textConfig = z.strictObject({
  context_length: count().default(77),
  vocab_size: count().default(49408),
  width: count().default(512),
  heads: count().default(8),
  layers: count().default(12),
  ...blockOptions,
  hf_tokenizer_name: ignored,
  tokenizer_mode: only(),
  tokenizer_kwargs: only(),
  embed_cls: only(false),
  pad_id: ignored,
  eos_id: ignored,
  no_causal_mask: only(false),
  pool_type: only('argmax'),
  proj_bias: only(false),
  proj_type: only('linear'),
  hf_model_name: only(),
  hf_model_pretrained: ignored,
  hf_proj_type: ignored,
  hf_pooler_type: ignored,
});

/**
 * A `model_cfg` of OpenCLIP, with its defaults: what of its options is known here, and so every option that is not.
 * Source: OpenCLIP's model.py (CLIPVisionCfg, CLIPTextCfg).
 */
const modelConfig = z.strictObject({
  embed_dim: count(),
  vision_cfg: visionConfig,
  text_cfg: textConfig,
  quick_gelu: z.boolean().default(false),
  custom_text: ignored,
  multimodal_cfg: only(),
  init_logit_scale: ignored,
  init_logit_bias: ignored,
  nonscalar_logit_scale: ignored,
});
export type OpenClipConfig = z.infer<typeof modelConfig>;
export type OpenClipConfigInput = z.input<typeof modelConfig>;

/** Checks a `model_cfg`; `place` names its file in the UserError that lists what is not known or does not fit. */
export function parseOpenClipConfig(json: unknown, place: string): OpenClipConfig {
  const parsed = modelConfig.safeParse(json);
  if (!parsed.success)
    throw new UserError(
      `${place} describes a CLIP that captrain does not compute: ${faultsOf(parsed.error, 'model_cfg')}. ` +
        `Name one whose towers are plain Transformers, or CLIP's ResNet.`,
    );
  const { vision_cfg: vision, text_cfg: text } = parsed.data;
  const refuse = (why: string) => new UserError(`${place}: ${why}.`);
  if (text.width % text.heads !== 0)
    throw refuse(`${text.heads} heads do not divide the width ${text.width} in text_cfg`);
  if (typeof vision.layers !== 'number') {
    if (vision.image_size % 32 !== 0)
      throw refuse(`image_size ${vision.image_size} of a ResNet is no multiple of 32`);
    if ((vision.width * 32) % vision.head_width !== 0)
      throw refuse(`head_width ${vision.head_width} does not divide 32 × the width ${vision.width}`);
  } else {
    if (vision.patch_size === null) throw refuse('vision_cfg has no patch_size');
    if (vision.width % vision.head_width !== 0)
      throw refuse(`head_width ${vision.head_width} does not divide the width ${vision.width} in vision_cfg`);
  }
  return parsed.data;
}
