import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { partsOf, wantedFiles } from './wanted-files.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-wanted-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each<[string, string[], string[] | undefined]>([
  [
    'safetensors rather than PyTorch, and what is read beside them',
    ['config.json', 'model.safetensors', 'pytorch_model.bin', 'tf_model.h5', 'README.md', 'merges.txt'],
    ['config.json', 'merges.txt', 'model.safetensors'],
  ],
  [
    'the index of parts',
    ['config.json', 'model.safetensors.index.json', 'model-00001-of-00002.safetensors', 'pytorch_model.bin'],
    ['config.json', 'model.safetensors.index.json'],
  ],
  [
    'PyTorch where there is nothing else',
    ['config.json', 'pytorch_model.bin'],
    ['config.json', 'pytorch_model.bin'],
  ],
  [
    "Hugging Face's layout rather than OpenCLIP's",
    [
      'config.json',
      'preprocessor_config.json',
      'pytorch_model.bin',
      'open_clip_config.json',
      'open_clip_model.safetensors',
    ],
    ['config.json', 'preprocessor_config.json', 'open_clip_config.json', 'pytorch_model.bin'],
  ],
  [
    "OpenCLIP's rather than timm's, which is of the picture tower alone",
    ['config.json', 'model.safetensors', 'open_clip_config.json', 'open_clip_model.safetensors'],
    ['config.json', 'open_clip_config.json', 'open_clip_model.safetensors'],
  ],
  [
    "OpenCLIP's where there is no other",
    ['open_clip_config.json', 'open_clip_model.safetensors', 'open_clip_pytorch_model.bin', 'vocab.json'],
    ['vocab.json', 'open_clip_config.json', 'open_clip_model.safetensors'],
  ],
  ['nothing of a model without config', ['model.safetensors'], undefined],
  ['nothing of a model of another kind', ['config.json', 'tf_model.h5'], undefined],
])('wants %s', (_, present, wanted) => {
  expect(wantedFiles(new Set(present))?.files).toEqual(wanted);
});

test('names the parts of weights, each once', async () => {
  writeFileSync(
    path.join(folder, 'index'),
    JSON.stringify({ weight_map: { a: 'b.bin', c: 'b.bin', d: 'a.bin' } }),
  );
  expect(await partsOf(folder, 'index')).toEqual(['a.bin', 'b.bin']);
});

test.each([
  ['not JSON', 'no index of weights'],
  ['{}', 'no index of weights'],
  ['{"weight_map":{}}', 'names no files'],
  ['{"weight_map":{"a":"../../.ssh/id"}}', 'names "../../.ssh/id"'],
  ['{"weight_map":{"a":7}}', 'names 7'],
])('refuses the index %s', async (text, words) => {
  writeFileSync(path.join(folder, 'bad'), text);
  await expect(partsOf(folder, 'bad')).rejects.toThrow(words);
});
