import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { gpt2Config, readGpt2Config } from './gpt2-config.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-gpt2-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(config: object) {
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  return readGpt2Config(folder);
}

test('what is absent has the defaults of transformers, dropout among them', () => {
  expect(read({ model_type: 'gpt2' })).toEqual(gpt2Config.parse({}));
  expect(read({ model_type: 'gpt2' })).toMatchObject({
    vocab_size: 50257,
    n_positions: 1024,
    activation_function: 'gelu_new',
    resid_pdrop: 0.1,
    embd_pdrop: 0.1,
    attn_pdrop: 0.1,
    tie_word_embeddings: true,
  });
});

test("the published GPT-2's config is read, with all that concerns other heads and generation", () => {
  const published = {
    activation_function: 'gelu_new',
    architectures: ['GPT2LMHeadModel'],
    attn_pdrop: 0.1,
    bos_token_id: 50256,
    embd_pdrop: 0.1,
    eos_token_id: 50256,
    initializer_range: 0.02,
    layer_norm_epsilon: 1e-5,
    model_type: 'gpt2',
    n_ctx: 1024,
    n_embd: 768,
    n_head: 12,
    n_layer: 12,
    n_positions: 1024,
    resid_pdrop: 0.1,
    summary_activation: null,
    summary_first_dropout: 0.1,
    task_specific_params: { 'text-generation': { do_sample: true, max_length: 50 } },
    vocab_size: 50257,
    reorder_and_upcast_attn: true,
    pruned_heads: {},
    quantization_config: null,
    is_encoder_decoder: false,
  };
  expect(read(published)).toEqual(gpt2Config.parse({}));
});

test('other names of sizes are taken, where the own ones are absent', () => {
  const sizes = {
    hidden_size: 32,
    num_attention_heads: 4,
    num_hidden_layers: 3,
    max_position_embeddings: 64,
  };
  const expected = { n_embd: 32, n_head: 4, n_layer: 3, n_positions: 64 };
  expect(read({ model_type: 'gpt2', ...sizes })).toMatchObject(expected);
  expect(read({ model_type: 'gpt2', ...sizes, n_embd: 16 })).toMatchObject({ ...expected, n_embd: 16 });
});

test.each([
  [['GPT2LMHeadModel']],
  [['GPT2Model']],
  [['TFGPT2LMHeadModel']],
  [[]],
  [null],
  ['GPT2LMHeadModel'],
])('of the classes %j it is taken', (architectures) => {
  expect(read({ model_type: 'gpt2', architectures }).model_type).toBe('gpt2');
});

describe('refused by name, in one sentence that says where', () => {
  test.each([
    ['another architecture', { model_type: 'gpt_neo' }, 'holds a gpt_neo, and'],
    ['no architecture', {}, 'holds a model without model_type'],
    [
      'a class of its own',
      { architectures: ['GPT2LMHeadCustomModel'] },
      'holds a GPT2LMHeadCustomModel, and',
    ],
    [
      'another head',
      { architectures: ['GPT2ForSequenceClassification'] },
      'GPT2ForSequenceClassification, and',
    ],
    ['cross-attention', { add_cross_attention: true }, 'sets add_cross_attention: layers'],
    ['quantised weights', { quantization_config: { bits: 4 } }, 'sets quantization_config: quantised'],
    ['pruned heads', { pruned_heads: { 0: [1] } }, 'sets pruned_heads: layers with fewer heads'],
    ['layers of several kinds', { per_layer_config: { 1: { n_head: 2 } } }, 'sets per_layer_config'],
    [
      'an activation it does not know',
      { activation_function: 'mish' },
      'is "mish", but must be one of relu, ',
    ],
    ['a rate of dropout that leaves nothing', { attn_pdrop: 1 }, '"attn_pdrop" in'],
    ['a size that is none', { n_layer: 0 }, '"n_layer" in'],
    ['heads that do not divide the width', { n_head: 5 }, 'n_head 5 does not divide n_embd 768'],
  ])('%s', (what, changed, message) => {
    const config = what === 'no architecture' ? {} : { model_type: 'gpt2', ...changed };
    expect(() => read(config)).toThrow(UserError);
    expect(() => read(config)).toThrow(message);
    expect(() => read(config)).toThrow(folder);
    expect(() => read(config)).not.toThrow('\n');
  });
});
