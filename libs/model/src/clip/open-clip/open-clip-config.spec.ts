import { UserError } from '@captrain/runtime';
import { describe, expect, test } from 'vitest';
import { inferOpenClipConfig } from './infer-open-clip-config.js';
import { openClipShapes } from './load-open-clip.js';
import { parseOpenClipConfig } from './open-clip-config.js';

const text = { context_length: 77, vocab_size: 49408, width: 640, heads: 10, layers: 12 };
const rn50x4 = {
  embed_dim: 640,
  vision_cfg: { image_size: 288, layers: [4, 6, 10, 6], width: 80, patch_size: null },
  text_cfg: text,
};
const vitB32 = {
  embed_dim: 512,
  vision_cfg: { image_size: 224, layers: 12, width: 768, patch_size: 32 },
  text_cfg: { ...text, width: 512, heads: 8 },
};

test.each([
  // Without the temperature, but with the means and variances of 178 batch norms.
  ['RN50x4', rn50x4],
  ['ViT-B-32', vitB32],
])('the config of %s follows from the shapes of its tensors', (_, config) => {
  const shapes = openClipShapes(parseOpenClipConfig(config, 'here'));
  const tensors = new Map([...shapes].map(([name, shape]) => [name, { shape }]));
  const inferred = inferOpenClipConfig(tensors, 'here');
  expect(inferred.quick_gelu).toBe(true);
  expect(openClipShapes(inferred)).toEqual(shapes);
  expect(inferred).toEqual({ ...parseOpenClipConfig(config, 'here'), quick_gelu: true });
});

test('options without effect on embeddings are passed over', () => {
  parseOpenClipConfig(
    {
      ...vitB32,
      custom_text: true,
      init_logit_bias: -10,
      vision_cfg: { ...vitB32.vision_cfg, patch_dropout: 0.5, pool_type: 'tok', timm_pool: 'avg' },
      text_cfg: { ...vitB32.text_cfg, hf_tokenizer_name: 'some/tokenizer', ls_init_value: null },
    },
    'here',
  );
});

describe('options that change the computation are refused by name', () => {
  test.each([
    [
      { vision_cfg: { timm_model_name: 'vit_base' } },
      /model_cfg.vision_cfg.timm_model_name: "vit_base" is not known/,
    ],
    [{ vision_cfg: { pool_type: 'avg' } }, /vision_cfg.pool_type/],
    [{ vision_cfg: { no_ln_pre: true } }, /vision_cfg.no_ln_pre/],
    [{ vision_cfg: { ls_init_value: 0.1 } }, /vision_cfg.ls_init_value/],
    [{ vision_cfg: { attentional_pool: true } }, /vision_cfg.attentional_pool/],
    [{ vision_cfg: { output_tokens: true } }, /vision_cfg.output_tokens/],
    [{ vision_cfg: { qk_norm: true } }, /vision_cfg.qk_norm/],
    [{ text_cfg: { hf_model_name: 'xlm-roberta-base' } }, /text_cfg.hf_model_name/],
    [{ text_cfg: { no_causal_mask: true } }, /text_cfg.no_causal_mask/],
    [{ text_cfg: { proj_type: 'none' } }, /text_cfg.proj_type/],
    [{ text_cfg: { pool_type: 'last' } }, /text_cfg.pool_type/],
    [{ text_cfg: { act_kwargs: { approximate: 'tanh' } } }, /text_cfg.act_kwargs/],
    [{ multimodal_cfg: {} }, /model_cfg.multimodal_cfg/],
    [{ vision_cfg: { rope: true } }, /rope/],
    [{ vision_cfg: { image_size: [224, 336] } }, /only squares are known/],
    [{ vision_cfg: { patch_size: null } }, /no patch_size/],
    [
      { vision_cfg: { layers: [1, 1, 1, 1], image_size: 100 } },
      /image_size 100 of a ResNet is no multiple of 32/,
    ],
    [{ text_cfg: { heads: 7 } }, /7 heads do not divide the width 512/],
  ])('%j', (change: Record<string, object>, message) => {
    const config: Record<string, object | number> = { ...vitB32 };
    for (const [part, options] of Object.entries(change))
      config[part] = { ...(config[part] as object), ...options };
    expect(() => parseOpenClipConfig(config, 'here')).toThrow(UserError);
    expect(() => parseOpenClipConfig(config, 'here')).toThrow(message);
  });
  test('no config at all', () => {
    expect(() => parseOpenClipConfig(undefined, 'here')).toThrow(/^here describes a CLIP .*model_cfg/);
  });
});
