// R rows that are written, P prefix positions, T positions of a call, C width of an embedding, D width of the language
// model, V vocabulary
import { tf } from '@captrain/engine';
import { gpt2Embed, gpt2Head, gpt2Step, type Gpt2Cache } from '../gpt2/gpt2.js';
import { mapPrefix } from '../mapper/mapper.js';
import type { Captioner } from './captioner.js';
import type { EmbeddingSequences } from './embedding-sequences.js';
import { sequenceTensors } from './sequence-tensors.js';

export interface WriteOptions {
  /** Longest caption in tokens, its end included; the captioner's own limit unless given. */
  maxTokens?: number | undefined;
}

/** The rows to write on: row i is row `parents[i]` of those before, and `words[i]` behind it. */
export interface NextRows {
  parents: number[];
  words: number[];
}

/** A way to choose words: greedy, beam search, sampling. One object serves one batch of images. */
export interface WordChooser {
  /**
   * Given the logits of what follows each row, says which rows are written on; none where all captions have ended. The
   * first call sees one row for each image. Disposes what it makes, and leaves the logits.
   */
  choose(logits_RV: tf.Tensor2D): NextRows;
  /** The tokens of each image's caption so far, its end included. */
  captions(): (readonly number[])[];
}

/**
 * Writes captions for embeddings (C values each, row after row) or sequences of them, several at once, over a cache of
 * keys and values. Rows that have ended leave the batch.
 */
export function writeCaptions(
  captioner: Captioner,
  inputs: Float32Array | EmbeddingSequences,
  { maxTokens = captioner.maxCaptionTokens }: WriteOptions,
  chooserFor: (images: number) => WordChooser,
): string[] {
  const sequences = inputs instanceof Float32Array ? { embeddings: inputs } : inputs;
  const images = sequences.frames?.length ?? sequences.embeddings.length / captioner.embeddingDim;
  if (images === 0) return [];
  const room = captioner.gpt2.n_positions - captioner.config.prefixLength + 1;
  const longest = Math.min(maxTokens, room);
  let state = tf.tidy(() => {
    const { embeddingDim, config, parts } = captioner;
    const { embeddings_BFC, frames_B } = sequenceTensors(sequences, { embeddingDim, most: config.frames });
    return read(captioner, mapPrefix(parts.mapperParameters, parts.mapper, embeddings_BFC, frames_B));
  });
  const chooser = chooserFor(images);
  try {
    for (let length = 1; ; length++) {
      const { parents, words } = chooser.choose(state.logits_RV);
      if (words.length === 0 || length >= longest) break;
      const before = state;
      state = tf.tidy(() => {
        const words_R1D = gpt2Embed(
          captioner.parts.gpt2Parameters,
          tf.tensor2d(words, [words.length, 1], 'int32'),
        );
        return read(captioner, words_R1D, cacheOf(before, parents));
      });
      dispose(before);
    }
  } finally {
    dispose(state);
  }
  return chooser.captions().map((tokens) => captioner.captionText(tokens));
}

/** What is known behind the last position of each row. */
type State = { logits_RV: tf.Tensor2D; cache: Gpt2Cache };

/** Reads inputs that follow those in the cache. */
function read(captioner: Captioner, inputs_RTD: tf.Tensor, past?: Gpt2Cache): State {
  const { gpt2, gpt2Parameters } = captioner.parts;
  const { hidden_BTD: hidden_RTD, cache } = gpt2Step(gpt2Parameters, gpt2, inputs_RTD, past);
  const [rows, positions, width] = hidden_RTD.shape;
  const last_RD = tf.reshape(tf.slice(hidden_RTD, [0, positions - 1, 0], [rows, 1, width]), [rows, width]);
  return { logits_RV: gpt2Head(gpt2Parameters, gpt2, last_RD) as tf.Tensor2D, cache };
}

/** The cache of the rows' parents: the same tensors where every row goes on by itself. */
function cacheOf({ logits_RV, cache }: State, parents: number[]): Gpt2Cache {
  if (parents.length === logits_RV.shape[0] && parents.every((parent, row) => parent === row)) return cache;
  const parents_R = tf.tensor1d(parents, 'int32');
  const gathered = (tensors: tf.Tensor[]) => tensors.map((tensor) => tf.gather(tensor, parents_R));
  return { keys: gathered(cache.keys), values: gathered(cache.values) };
}

function dispose({ logits_RV, cache }: State): void {
  tf.dispose([logits_RV, ...cache.keys, ...cache.values]);
}
