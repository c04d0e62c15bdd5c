import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mapperConfig } from '../config.js';
import { readGpt2Config } from '../gpt2/gpt2-config.js';
import { initMapper, mapperShapes } from '../mapper/mapper.js';
import { writeTinyGpt2 } from '../testing.js';
import { captionerOptionsOf } from './folder-config.js';
import { gpt2Tensors } from './language-model-parts.js';
import { readCaptionerFolder } from './read-captioner-folder.js';
import type { SourceTensor } from './source-tensors.js';
import {
  type CaptionerContent,
  type WriteFolderOptions,
  writeCaptionerFolder,
} from './write-captioner-folder.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-folder-'));
const languageModelFolder = path.join(root, 'gpt2');
const places = path.join(root, 'places');
const out = path.join(places, 'captioner');
let content: CaptionerContent;

beforeAll(async () => {
  const { n_embd: width } = writeTinyGpt2(languageModelFolder);
  writeFileSync(path.join(languageModelFolder, 'generation_config.json'), '{"max_length": 20}');
  const config = mapperConfig.parse({ prefixLength: 3 });
  const widths = { embeddingDim: 5, width };
  const values = initMapper(config, widths, 1);
  const mapper = new Map<string, SourceTensor>(
    [...mapperShapes(config, widths)].map(([name, shape]) => [
      name,
      { shape, read: () => values.get(name)! },
    ]),
  );
  content = {
    options: captionerOptionsOf(config),
    about: { embeddingDim: 5 },
    mapper,
    languageModel: await gpt2Tensors(languageModelFolder, readGpt2Config(languageModelFolder)),
    languageModelFolder,
    card: '# A captioner\n',
  };
});
beforeEach(() => {
  rmSync(places, { recursive: true, force: true });
  mkdirSync(places);
});
afterAll(() => rmSync(root, { recursive: true }));

function write(overrides: Partial<CaptionerContent> = {}, options: Partial<WriteFolderOptions> = {}) {
  const signal = new AbortController().signal;
  return writeCaptionerFolder(
    out,
    { ...content, ...overrides },
    { dtype: 'float32', overwrite: false, signal, ...options },
  );
}

test('the same captioner is the same bytes, its tokenizer and generation defaults included', async () => {
  await write();
  const bytesOf = (name: string) => readFileSync(path.join(out, name));
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));
  const before = files.map(bytesOf);
  await write({}, { overwrite: true });
  expect(files.map(bytesOf)).toEqual(before);
  for (const name of ['vocab.json', 'merges.txt', 'generation_config.json'])
    expect(bytesOf(path.join('language_model', name))).toEqual(
      readFileSync(path.join(languageModelFolder, name)),
    );
});

/** The mapper with another value in its first tensor. */
function mapperWith(value: number): Map<string, SourceTensor> {
  const [[name, tensor]] = [...content.mapper] as [[string, SourceTensor]];
  const read = () => tensor.read().fill(value, 0, 1);
  return new Map(content.mapper).set(name, { ...tensor, read });
}

describe('nothing is left where writing', () => {
  test('is interrupted', async () => {
    const stop = new AbortController();
    const onBytes = () => stop.abort(new Error('stopped'));
    await expect(write({}, { signal: stop.signal, onBytes })).rejects.toThrow('stopped');
    expect(readdirSync(places)).toEqual([]);
  });

  test('meets a value that the dtype cannot hold, which is named', async () => {
    const thrown = await write({ mapper: mapperWith(70000) }, { dtype: 'float16' }).catch((error) => error);
    expect(thrown).toBeInstanceOf(UserError);
    expect(thrown.message).toMatch(/clip_project\.model\.0\.weight holds 70000/);
    expect(readdirSync(places)).toEqual([]);
  });
});

test('a captioner that is to be replaced stays where that fails', async () => {
  await write({ card: 'the first' });
  const mapper = mapperWith(70000);
  await expect(write({ mapper }, { dtype: 'float16', overwrite: true })).rejects.toThrow(UserError);
  expect(readFileSync(path.join(out, 'README.md'), 'utf8')).toBe('the first');
  expect(readdirSync(places)).toEqual(['captioner']);
});

describe('a captioner folder is refused', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'without its mapper',
      () => rmSync(path.join(out, 'mapper.safetensors')),
      /incomplete: mapper\.safetensors/,
    ],
    [
      'without its language model',
      () => rmSync(path.join(out, 'language_model'), { recursive: true }),
      /incomplete: language_model/,
    ],
    ['with an option that captrain does not have', () => edit({ prefx_length: 3 }), /did you mean/],
    ['with a value that cannot be', () => edit({ prefix_length: 0 }), /"prefix_length" in .* is 0/],
    ['of another kind', () => edit({ model_type: 'gpt2' }), /no captioner folder/],
  ])('%s', async (_, harm, message) => {
    await write();
    harm();
    expect(() => readCaptionerFolder(out)).toThrow(UserError);
    expect(() => readCaptionerFolder(out)).toThrow(message);
  });

  function edit(values: object): void {
    const file = path.join(out, 'config.json');
    const json = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...json, ...values }));
  }
});
