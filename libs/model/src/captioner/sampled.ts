// R rows that are written, V vocabulary
import { rawOp, tf } from '@captrain/engine';
import { RandomStream } from '../random.js';
import type { Captioner } from './captioner.js';
import type { EmbeddingSequences } from './embedding-sequences.js';
import { wordByWord } from './word-by-word.js';
import { writeCaptions, type WriteOptions } from './write-captions.js';

export interface SampleOptions extends WriteOptions {
  seed: number;
  /** One for each embedding: seed and id decide what is drawn, so that a caption does not depend on its batch. */
  imageIds: readonly string[];
  /** Words are drawn from the fewest most probable ones that together have this probability; 1, all, unless given. */
  topP?: number | undefined;
  /** Divides the logits before they become probabilities; 1 unless given. */
  temperature?: number | undefined;
}

/**
 * A caption for each of the embeddings (row after row) or sequences of them, its words drawn at random by their probabilities. Source of
 * the cut: Holtzman et al. 2020, nucleus sampling.
 */
export function captionSampled(
  captioner: Captioner,
  inputs: Float32Array | EmbeddingSequences,
  options: SampleOptions,
): string[] {
  const { seed, imageIds, topP = 1, temperature = 1 } = options;
  const streams = imageIds.map((id) => new RandomStream(seed, `caption of ${id}`));
  return writeCaptions(captioner, inputs, options, (count) => {
    if (count !== imageIds.length) throw new Error(`${imageIds.length} image ids for ${count} images`);
    return wordByWord(count, captioner.endTokens, (logits_RV, rows) => {
      // 24 bits: exact in float32, and below 1.
      const draws = rows.map((image) => (streams[image]!.next() >>> 8) / 2 ** 24);
      return drawWords(logits_RV, draws, topP, temperature);
    });
  });
}

/** The word at which the sum of probabilities, most probable first, passes the draw (of the mass that is kept). */
function drawWords(
  logits_RV: tf.Tensor2D,
  draws: number[],
  topP: number,
  temperature: number,
): ArrayLike<number> {
  const words_R = tf.tidy(() => {
    const [rows, count] = logits_RV.shape;
    const scaled_RV = tf.div(logits_RV, temperature);
    const [sorted_RV, ids_RV] = rawOp('TopKV2', [scaled_RV, tf.scalar(count, 'int32')], { sorted: true }, 2);
    const probabilities_RV = tf.softmax(sorted_RV!);
    const sums_RV = tf.cumsum(probabilities_RV, 1);
    const kept_RV = tf.cast(tf.less(tf.sub(sums_RV, probabilities_RV), topP), 'float32');
    const mass_R1 = tf.sum(tf.mul(probabilities_RV, kept_RV), 1, true);
    const passed_RV = tf.cast(
      tf.lessEqual(sums_RV, tf.mul(mass_R1, tf.tensor2d(draws, [rows, 1]))),
      'float32',
    );
    const ranks_R = tf.minimum(tf.sum(tf.mul(passed_RV, kept_RV), 1), tf.sub(tf.sum(kept_RV, 1), 1));
    const places_R = tf.add(
      tf.cast(ranks_R, 'int32'),
      tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(count, 'int32')),
    );
    return tf.gather(tf.reshape(ids_RV!, [-1]), places_R);
  });
  const words = words_R.dataSync();
  words_R.dispose();
  return words;
}
