import { tf } from '@captrain/engine';
import type { Captioner } from './captioner.js';
import type { EmbeddingSequences } from './embedding-sequences.js';
import { wordByWord } from './word-by-word.js';
import { writeCaptions, type WriteOptions } from './write-captions.js';

/**
 * A caption for each of the embeddings (row after row) or sequences of them, word by word the most probable; of two alike, the one with the
 * lower id.
 */
export function captionGreedy(
  captioner: Captioner,
  inputs: Float32Array | EmbeddingSequences,
  options: WriteOptions = {},
): string[] {
  return writeCaptions(captioner, inputs, options, (count) =>
    wordByWord(count, captioner.endTokens, mostProbable),
  );
}

function mostProbable(logits_RV: tf.Tensor2D): ArrayLike<number> {
  const words_R = tf.argMax(logits_RV, 1);
  const words = words_R.dataSync();
  words_R.dispose();
  return words;
}
