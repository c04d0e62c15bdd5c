import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCaptionerFolder } from '../captioner-folder/load-captioner-folder.js';
import { writeCaptionerFolder } from '../captioner-folder/write-captioner-folder.js';
import { writeTinyGpt2 } from '../testing.js';
import { openWeights } from '../weights/open-weights.js';
import { type ImportOptions, importClipCap } from './import-clipcap.js';

/** Written by PyTorch: see make.py there. */
const fixtures = path.join(import.meta.dirname, '../../testing/clipcap');
const expected = JSON.parse(readFileSync(path.join(fixtures, 'expected.json'), 'utf8')) as {
  tokens: number[];
  mlp: number;
  transformer: number;
};

const root = mkdtempSync(path.join(tmpdir(), 'captrain-import-'));
const languageModel = path.join(root, 'gpt2');
beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  writeTinyGpt2(languageModel, { n_embd: 8, n_layer: 1, n_head: 2, n_positions: 32 });
});
afterAll(() => rmSync(root, { recursive: true }));

async function imported(name: string, options: Partial<ImportOptions> = {}) {
  const file = await openWeights(path.join(fixtures, name));
  return importClipCap(file, { languageModel, mapperHeads: 4, normalizePrefix: false, ...options });
}

/** The loss of the fixture's caption by the imported captioner, by way of its folder. */
async function lossOf(name: string): Promise<number> {
  const { embeddingDim, ...content } = await imported(name);
  const folder = path.join(root, `${name}-folder`);
  const signal = new AbortController().signal;
  const options = { dtype: 'float32', overwrite: false, signal } as const;
  await writeCaptionerFolder(folder, { ...content, about: { embeddingDim }, card: '' }, options);
  const captioner = await loadCaptionerFolder(folder);
  const embeddings = Float32Array.from({ length: embeddingDim }, (_, index) => index / 10);
  const { lossSum } = captioner.loss({ embeddings, tokens: [expected.tokens] });
  captioner.close();
  return lossSum;
}

describe('a ClipCap checkpoint that PyTorch wrote', () => {
  test('with an MLP computes what it computed in PyTorch, from both of its file formats', async () => {
    expect(await lossOf('mlp.pt')).toBeCloseTo(expected.mlp, 4);
    expect(await lossOf('mlp-legacy.pt')).toBeCloseTo(expected.mlp, 4);
  });

  test('with a Transformer likewise, saved by data parallel training', async () => {
    expect(await lossOf('transformer.pt')).toBeCloseTo(expected.transformer, 4);
  });

  test('tells by its shapes what mapper it holds', async () => {
    const { options, embeddingDim, ownLanguageModel } = await imported('transformer.pt', {
      normalizePrefix: true,
    });
    expect({ embeddingDim, ownLanguageModel }).toEqual({ embeddingDim: 6, ownLanguageModel: true });
    expect(options).toMatchObject({
      mapper: 'transformer',
      prefixLength: 4,
      clipLength: 2,
      mapperLayers: 2,
      mapperHeads: 4,
      normalizePrefix: true,
    });
    expect((await imported('mlp.pt')).options).toMatchObject({ mapper: 'mlp', prefixLength: 3 });
  });

  test('of the mapper alone takes the language model as it is', async () => {
    const { languageModel: weights, ownLanguageModel } = await imported('mapper-alone.pt');
    expect(ownLanguageModel).toBe(false);
    const own = await openWeights(path.join(languageModel, 'model.safetensors'));
    expect(weights.get('transformer.wte.weight')!.read()).toEqual(
      own.tensors.get('transformer.wte.weight')!.read(),
    );
  });
});

describe('refused in one sentence', () => {
  const deeper = path.join(root, 'deeper');
  const wider = path.join(root, 'wider');
  beforeAll(() => {
    writeTinyGpt2(deeper, { n_embd: 8, n_layer: 2, n_head: 2, n_positions: 32 });
    writeTinyGpt2(wider, { n_embd: 24, n_layer: 1, n_head: 2, n_positions: 32 });
  });

  test.each<[string, string, Partial<ImportOptions>, RegExp]>([
    [
      'a language model of other sizes',
      'mlp.pt',
      { languageModel: deeper },
      /GPT-2 of 1 layers, width 8.*2 layers, width 8/,
    ],
    [
      'a mapper for another width',
      'mapper-alone.pt',
      { languageModel: wider },
      /another language model.* no multiple of the width 24/,
    ],
    ['a single linear map', 'linear.pt', {}, /single linear map \(clip_project\.weight\)/],
    ['weights of something else', 'other.pt', {}, /no ClipCap checkpoint: none of its 1 tensors/],
    ['a head that would be lost', 'own-head.pt', {}, /gpt\.lm_head\.weight.*tie_word_embeddings/],
    ['heads that do not divide the width', 'transformer.pt', { mapperHeads: 3 }, /mapperHeads 3/],
    ['a language model that is not there', 'mlp.pt', { languageModel: '/absent' }, /\/absent/],
  ])('%s', async (_, name, options, message) => {
    const thrown = await imported(name, options).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(UserError);
    expect((thrown as UserError).message).toMatch(message);
  });
});
