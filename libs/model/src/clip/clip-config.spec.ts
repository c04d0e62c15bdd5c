import { UserError } from '@captrain/runtime';
import { describe, expect, test } from 'vitest';
import { clipConfig, clipShapes, parseClipConfig } from './clip-config.js';

const parse = (json: object) => parseClipConfig({ model_type: 'clip', ...json }, 'here');

test('absent keys have the defaults of transformers, which are those of ViT-B/32', () => {
  expect(parse({})).toEqual(clipConfig.parse({}));
  expect(parse({ vision_config: { patch_size: 16 } }).vision_config).toMatchObject({
    patch_size: 16,
    hidden_size: 768,
    hidden_act: 'quick_gelu',
  });
});

test('the projection is that of the whole model, not those which towers repeat', () => {
  const towers = { vision_config: { projection_dim: 1 }, text_config: { projection_dim: 2 } };
  expect(parse({ ...towers, projection_dim: 768 }).projection_dim).toBe(768);
  expect(parse(towers).projection_dim).toBe(512);
});

test('where old files repeat a tower in a dict, the dict counts', () => {
  const old = {
    text_config: { hidden_size: 512, num_attention_heads: 8 },
    text_config_dict: { hidden_size: 768, num_attention_heads: 12 },
    vision_config: { hidden_size: 1024, num_attention_heads: 16 },
    vision_config_dict: null,
  };
  const { text_config: text, vision_config: vision } = parse(old);
  expect([text.hidden_size, text.num_attention_heads, vision.hidden_size]).toEqual([768, 12, 1024]);
});

test('sizes may be given for both sides', () => {
  const { vision_config: vision } = parse({
    vision_config: { image_size: [336, 336], patch_size: [14, 14] },
  });
  expect([vision.image_size, vision.patch_size]).toEqual([336, 14]);
});

test('a picture tower alone has its settings in the file itself', () => {
  const json = {
    model_type: 'clip_vision_model',
    hidden_size: 96,
    num_attention_heads: 4,
    projection_dim: 33,
  };
  const config = parseClipConfig(json, 'here');
  expect([config.vision_config.hidden_size, config.projection_dim]).toEqual([96, 33]);
});

describe('what cannot be honoured is refused by name', () => {
  test.each([
    [{ model_type: 'siglip' }, /here holds a siglip/],
    [{ model_type: 'clip_text_model' }, /here holds a clip_text_model/],
    [{ vision_config: { hidden_act: 'mish' } }, /hidden_act/],
    [{ vision_config: { image_size: [224, 336] } }, /vision_config.image_size: .*only squares are known/],
    [{ text_config: { num_attention_heads: 7 } }, /7 heads do not divide the width 512 in text_config/],
  ])('%j', (json, message) => {
    expect(() => parse(json)).toThrow(UserError);
    expect(() => parse(json)).toThrow(message);
  });
});

test.each([
  ['B/32', {}, 151_277_313],
  ['B/16', { vision_config: { patch_size: 16 } }, 149_620_737],
  [
    'L/14',
    {
      projection_dim: 768,
      vision_config: {
        hidden_size: 1024,
        intermediate_size: 4096,
        num_hidden_layers: 24,
        num_attention_heads: 16,
        patch_size: 14,
      },
      text_config: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
    },
    427_616_513,
  ],
])('the published ViT-%s has its known number of parameters', (_, json, known) => {
  const count = [...clipShapes(parse(json)).values()].reduce(
    (sum, shape) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  expect(count).toBe(known);
});
