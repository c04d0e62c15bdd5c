import { type CaptionBatch, RandomStream } from '@captrain/model';
import { CAPTIONS_OF_AN_IMAGE, DIM, captionsByImage } from '../train/task.js';
import type { Load } from './measurements.js';

/**
 * A batch about random images: `captions / 5` of them. Their captions are the data set's own (`tokens`, in its order); or,
 * where a length is asked for, its words in a row, cut to that length.
 */
export function growthBatch(tokens: readonly number[][], { captions, tokens: length }: Load): CaptionBatch {
  const images = captions / CAPTIONS_OF_AN_IMAGE;
  const embeddings = new RandomStream(5, 'embeddings').normal(images * DIM, 1);
  const of = Array.from({ length: captions }, (_, caption) => Math.floor(caption / CAPTIONS_OF_AN_IMAGE));
  if (length === undefined) {
    const chosen = captionsByImage(tokens).slice(0, images);
    if (chosen.length < images) throw new RangeError(`${images} images of ${chosen.length}`);
    return { embeddings, tokens: chosen.flat(), images: of };
  }
  const words: number[] = [];
  for (const caption of tokens) {
    if (words.length >= captions * length) break;
    words.push(...caption);
  }
  const cut = of.map((_, caption) => words.slice(caption * length, (caption + 1) * length));
  return { embeddings, tokens: cut, images: of };
}
