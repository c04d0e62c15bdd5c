import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { byteSymbols, learnMerges, symbolsOf } from './byte-pairs.js';

export const endOfText = '<|endoftext|>';
const startOfText = '<|startoftext|>';

/**
 * Learns a byte-level vocabulary from texts and writes it as vocab.json, merges.txt and tokenizer_config.json.
 * `gpt2`: words carry the space before them; one special token, the end of text, which comes last.
 * `clip`: lower-case words that end in `</w>`; start and end of text come last.
 * Returns the number of tokens.
 */
export function writeTokenizer(folder: string, kind: 'gpt2' | 'clip', texts: Iterable<string>): number {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const words = kind === 'gpt2' ? text.match(gpt2Words) : text.toLowerCase().match(clipWords);
    for (const word of words ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const ending = kind === 'clip' ? '</w>' : '';
  const words = [...counts].map(([word, count]) => {
    const symbols = symbolsOf(word);
    symbols.push(symbols.pop() + ending);
    return [symbols, count] as const;
  });
  const merges = learnMerges(words, 4096);
  const sorted = byteSymbols.toSorted((a, b) => (a < b ? -1 : 1));
  const tokens = [
    ...sorted,
    ...(kind === 'clip' ? sorted.map((symbol) => symbol + ending) : []),
    ...merges.map((pair) => pair.join('')),
    ...(kind === 'clip' ? [startOfText] : []),
    endOfText,
  ];
  mkdirSync(folder, { recursive: true });
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  writeJson(folder, 'vocab.json', vocabulary);
  const lines = merges.map((pair) => pair.join(' '));
  writeFileSync(path.join(folder, 'merges.txt'), `#version: 0.2\n${lines.join('\n')}\n`);
  writeJson(folder, 'tokenizer_config.json', {
    tokenizer_class: kind === 'clip' ? 'CLIPTokenizer' : 'GPT2Tokenizer',
    bos_token: kind === 'clip' ? startOfText : endOfText,
    eos_token: endOfText,
    unk_token: endOfText,
    ...(kind === 'clip' ? { pad_token: endOfText } : { add_prefix_space: false }),
  });
  return tokens.length;
}

export function writeJson(folder: string, name: string, value: object): void {
  writeFileSync(path.join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
}

const gpt2Words = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const clipWords = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;
