import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Tokenizer } from '@captrain/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { learnMerges, symbolsOf } from './byte-pairs.js';
import { writeTokenizer } from './write-tokenizer.js';

it('merges the most frequent pair first, until each word is one symbol', () => {
  const words = [
    [symbolsOf('low'), 5],
    [symbolsOf('lower'), 2],
    [symbolsOf('newest'), 6],
  ] as const;
  const merges = learnMerges(words, 100);
  expect(merges.slice(0, 2)).toEqual([
    ['w', 'e'],
    ['l', 'o'],
  ]);
  expect(merges.map((pair) => pair.join(''))).toEqual(expect.arrayContaining(['low', 'lower', 'newest']));
});

it('stops at the limit', () => {
  expect(learnMerges([[symbolsOf('abcdefgh'), 1]], 3)).toHaveLength(3);
});

describe.each(['gpt2', 'clip'] as const)('a %s vocabulary', (kind) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'captrain-tokenizer-'));
    writeTokenizer(folder, kind, ['A small red heart.', 'Two small red hearts above a blue star.']);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('has one token for each word it learnt from, and bytes for everything else', async () => {
    const tokenizer = await Tokenizer.load(folder);
    expect(tokenizer.encode('Two small red hearts.')).toHaveLength(5);
    const text = 'naïve 心 of course';
    expect(tokenizer.decode(tokenizer.encode(text)).trim()).toBe(text);
  });

  it('ends with the end of text', async () => {
    const tokenizer = await Tokenizer.load(folder);
    expect(tokenizer.endOfTextId).toBe(tokenizer.vocabularySize - 1);
  });
});
