import { readFileSync } from 'node:fs';
import path from 'node:path';

const captionsFile = path.join(import.meta.dirname, '../../../../shared/data/flickr8k/captions.txt');

/** Flickr8k's five captions of each of its 8,091 images, in the file's order. */
export function flickr8kCaptions(): Map<string, string[]> {
  const captions = new Map<string, string[]>();
  for (const line of readFileSync(captionsFile, 'utf8').split('\n').slice(1)) {
    if (!line) continue;
    const comma = line.indexOf(',');
    const name = line.slice(0, comma);
    const field = line.slice(comma + 1);
    const caption = field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
    captions.set(name, [...(captions.get(name) ?? []), caption]);
  }
  return captions;
}

/** What pycocoevalcap 1.2 and NLTK made of the same captions: `testing/golden.py` says how. */
export const golden = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../testing/golden.json'), 'utf8'),
) as {
  tokens_sha256: string;
  cases: { images: number; shift: number; bleu: number[]; nltk_bleu4: number }[];
};
