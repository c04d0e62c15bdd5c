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
    const expected = JSON.parse(await readFile(file, 'utf8')) as Record<string, number[]>;
    context.progress('captrain');
    const encoder = await ClipEncoder.load(path.join(context.folder, 'clip'));
    const similarities = new Map<string, number>();
    for (const [picture, theirs] of Object.entries(expected)) {
      const [ours] = encoder.embed([await decodeImage(picture, encoder.preprocessor)]);
      similarities.set(picture, cosine(ours!, Float32Array.from(theirs)));
    }
    encoder.close();
    const kinds = Object.keys(expected).filter((picture) => !photographs.includes(picture));
    return [
      smallest(`${photographs.length} photographs: embedding, cosine`, photographs, similarities),
      smallest(`${kinds.length} kinds of files: embedding, cosine`, kinds, similarities),
    ];
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
  similarities: ReadonlyMap<string, number>,
): ParityRow {
  const [worst, similarity] = pictures
    .map((picture) => [path.basename(picture), similarities.get(picture)!] as const)
    .reduce((a, b) => (b[1] < a[1] || Number.isNaN(b[1]) ? b : a));
  return atLeast(`${what}, smallest (${worst})`, 0.9995, similarity);
}
