import type { tf } from '@captrain/engine';
import type { WordChooser } from './write-captions.js';

/**
 * One row for each image, to which one word at a time is added. `pick` gives the next word of each row; `rows` says
 * which image each row writes for.
 */
export function wordByWord(
  images: number,
  endTokens: ReadonlySet<number>,
  pick: (logits_RV: tf.Tensor2D, rows: readonly number[]) => ArrayLike<number>,
): WordChooser {
  const captions: number[][] = Array.from({ length: images }, () => []);
  let rows = captions.map((_, image) => image);
  return {
    choose(logits_RV) {
      const words = pick(logits_RV, rows);
      rows.forEach((image, row) => captions[image]!.push(words[row]!));
      const parents = [...rows.keys()].filter((row) => !endTokens.has(words[row]!));
      rows = parents.map((row) => rows[row]!);
      return { parents, words: parents.map((row) => words[row]!) };
    },
    captions: () => captions,
  };
}
