import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languageModelConfig, mapperConfig, type MapperConfig } from '../config.js';
import { writeTinyGpt2 } from '../testing.js';
import { writeSafetensors } from '../weights/write-safetensors.js';
import { describeCaptioner } from './captioner.cases.js';
import { Captioner, type CaptionerConfig } from './captioner.js';

describe('MLP mapper and fine-tuned language model', () => {
  describeCaptioner({ mapper: 'mlp' }, /^(clip_project\.model\.[02]|gpt\.transformer)\./);
});

describe('Transformer mapper and frozen language model', () => {
  describeCaptioner(
    { mapper: 'transformer', freezeLanguageModel: true },
    /^clip_project\.(linear|prefix_const|transformer)/,
  );
});

describe('Transformer mapper of sequences and fine-tuned language model', () => {
  describeCaptioner({ mapper: 'transformer', frames: 3 }, /^(clip_project|gpt\.transformer)\./);
});

describe('MLP mapper of normalised embeddings and frozen language model', () => {
  describeCaptioner(
    { mapper: 'mlp', freezeLanguageModel: true, normalizePrefix: true },
    /^clip_project\.model\.[02]\./,
  );
});

describe('limits and refusals', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'captrain-captioner-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(async () => {
    await startEngine({ device: 'cpu' });
    writeTinyGpt2(folder);
  });
  const configOf = (overrides: Partial<MapperConfig>, maxCaptionTokens = 64): CaptionerConfig => ({
    ...mapperConfig.parse(overrides),
    ...languageModelConfig.parse({ languageModel: folder, maxCaptionTokens }),
  });
  const create = (config: CaptionerConfig) => Captioner.create({ config, embeddingDim: 4, seed: 1 });

  test('a caption ends with the end of text, and a long one is cut to the room there is', async () => {
    const roomy = await create(configOf({}));
    expect(roomy.tokenizeCaption('ab')).toEqual(
      [66, 67, 256].map((id) => (id === 256 ? 256 : expect.any(Number))),
    );
    expect(roomy.tokenizeCaption('ab').at(-1)).toBe(roomy.tokenizer.endOfTextId);
    expect(roomy.maxCaptionTokens).toBe(48 - 10 + 1);
    const long = 'x'.repeat(200);
    const tokens = [roomy.tokenizeCaption(long)];
    expect(tokens[0]).toHaveLength(roomy.maxCaptionTokens);
    expect(roomy.loss({ embeddings: new Float32Array(4), tokens }).captionTokens).toBe(39);
    const tight = await create(configOf({}, 5));
    expect(tight.tokenizeCaption(long)).toHaveLength(5);
    [roomy, tight].forEach((captioner) => captioner.close());
  });

  test('a language model that is not there is refused, naming the folder', async () => {
    const missing = path.join(folder, 'nowhere');
    await expect(create({ ...configOf({}), languageModel: missing })).rejects.toThrow(
      `there is no model folder ${missing}`,
    );
  });

  test('a tokenizer that the model does not fit is refused', async () => {
    const mixed = path.join(folder, 'mixed');
    mkdirSync(mixed);
    writeTinyGpt2(mixed, { vocab_size: 100 });
    await expect(create({ ...configOf({}), languageModel: mixed })).rejects.toThrow(
      /token 256, .* knows 100/,
    );
  });

  test('a prefix that leaves no room for words is refused', async () => {
    await expect(create(configOf({ prefixLength: 48 }))).rejects.toThrow(/prefixLength 48 leaves no room/);
  });

  test('mapper heads that do not divide the width are refused', async () => {
    await expect(create(configOf({ mapper: 'transformer', mapperHeads: 3 }))).rejects.toThrow(UserError);
  });

  test('sequences are refused for the mapper of one embedding', async () => {
    await expect(create(configOf({ mapper: 'mlp', frames: 8 }))).rejects.toThrow(
      'the mlp mapper takes one embedding, not sequences of up to 8',
    );
  });

  test('weights of another mapper, or of another size, are refused', async () => {
    const weights = writeSafetensors(
      new Map([['clip_project.model.0.weight', { shape: [2, 4], data: new Float32Array(8) }]]),
    );
    await expect(Captioner.load({ config: configOf({}), weights })).rejects.toThrow(
      /has shape \[2, 4\] instead of \[80, 4\]; .* is missing/,
    );
    const other = Captioner.load({ config: configOf({ mapper: 'transformer' }), weights });
    await expect(other).rejects.toThrow(/holds no transformer mapper/);
  });

  test('embeddings of the wrong width and captions without tokens are faults of the caller', async () => {
    const captioner = await create(configOf({}));
    expect(() => captioner.loss({ embeddings: new Float32Array(3), tokens: [[1]] })).toThrow('width 4');
    expect(() => captioner.loss({ embeddings: new Float32Array(4), tokens: [[]] })).toThrow('at least one');
    captioner.close();
  });
});
