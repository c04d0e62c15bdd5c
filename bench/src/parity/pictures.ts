import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { ClipEncoder, decodeImage } from '@captrain/model';
import { cosine } from './compare.js';
import type { ParityContext, ParityGroup } from './context.js';
import { type ParityRow, atLeast } from './row.js';

/** From picture files to embeddings, beside transformers' own processor. */
export const pictures: ParityGroup = {
  name: 'pictures',
  run: async (context) => {
    const photographs = await photographsOf(context);
    context.progress('PyTorch');
    await context.peer('pictures.py', context.folder, ...photographs);
    const file = path.join(context.folder, 'expected.json');
    const expected = JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, number[]>>;
    context.progress('captrain');
    const encoder = await ClipEncoder.load(path.join(context.folder, 'clip'));
    const ours = new Map<string, Float32Array>();
    for (const picture of Object.keys(Object.values(expected)[0]!)) {
      const [embedding] = encoder.embed([await decodeImage(picture, encoder.preprocessor)]);
      ours.set(picture, embedding!);
    }
    encoder.close();
    const kinds = [...ours.keys()].filter((picture) => !photographs.includes(picture));
    return Object.entries(expected).flatMap(([processor, theirs]) => {
      const similarity = (picture: string) => cosine(ours.get(picture)!, Float32Array.from(theirs[picture]!));
      const words = (count: number, what: string) =>
        `${count} ${what} beside ${processor}: embedding, cosine`;
      return [
        smallest(words(photographs.length, 'photographs'), photographs, similarity),
        smallest(words(kinds.length, 'kinds of files'), kinds, similarity),
      ];
    });
  },
};

async function photographsOf({ data }: ParityContext): Promise<string[]> {
  const folders = ['flickr8k/images', 'coco-samples'].map((name) => path.join(data, name));
  const names = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).sort().map((name) => path.join(folder, name))),
  );
  return names.flat();
}

function smallest(
  what: string,
  pictures: readonly string[],
  similarityOf: (picture: string) => number,
): ParityRow {
  const [worst, similarity] = pictures
    .map((picture) => [path.basename(picture), similarityOf(picture)] as const)
    .reduce((a, b) => (b[1] < a[1] || Number.isNaN(b[1]) ? b : a));
  return atLeast(`${what}, smallest (${worst})`, 0.9995, similarity);
}
