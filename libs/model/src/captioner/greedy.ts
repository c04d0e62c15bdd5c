// B images, F frames of each, C width of an embedding, D width of the language model, V vocabulary
import { tf } from '@captrain/engine';
import { gpt2Embed, gpt2Head, gpt2Step, type Gpt2Cache } from '../gpt2/gpt2.js';
import { mapPrefix } from '../mapper/mapper.js';
import type { Captioner } from './captioner.js';
import { type EmbeddingSequences, sequenceTensors } from './embedding-sequences.js';

/**
 * The most probable caption, word by word, for each of the embeddings (B·dim values, row after row), or of the
 * sequences of them. A caption ends with the end of text, or after `maxTokens` tokens; several are written at once, over
 * a cache of keys and values.
 */
export function captionGreedy(
  captioner: Captioner,
  images: Float32Array | EmbeddingSequences,
  options: { maxTokens?: number } = {},
): string[] {
  const sequences = images instanceof Float32Array ? { embeddings: images } : images;
  if (sequences.embeddings.length === 0) return [];
  const start = tf.tidy(() => {
    const { embeddingDim, config, parts } = captioner;
    const { embeddings_BFC, frames_B } = sequenceTensors(sequences, { embeddingDim, most: config.frames });
    return nextWords(captioner, mapPrefix(parts.mapperParameters, parts.mapper, embeddings_BFC, frames_B));
  });
  const count = start.words_B.size;
  const room = captioner.gpt2.n_positions - captioner.config.prefixLength + 1;
  const maxTokens = Math.min(options.maxTokens ?? captioner.maxCaptionTokens, room);
  const captions: number[][] = Array.from({ length: count }, () => []);
  const ended = captions.map(() => false);
  const { endOfTextId } = captioner.tokenizer;

  let state = start;
  for (let length = 1; ; length++) {
    const words = state.words_B.dataSync();
    captions.forEach((caption, index) => {
      ended[index] ||= words[index] === endOfTextId;
      if (!ended[index]) caption.push(words[index]!);
    });
    if (length >= maxTokens || ended.every(Boolean)) break;
    const before = state;
    state = tf.tidy(() => {
      const words_B1D = gpt2Embed(captioner.parts.gpt2Parameters, tf.expandDims(before.words_B, 1));
      return nextWords(captioner, words_B1D, before.cache);
    });
    tf.dispose([before.words_B, before.cache.keys, before.cache.values]);
  }
  tf.dispose([state.words_B, state.cache.keys, state.cache.values]);
  return captions.map((caption) => captioner.tokenizer.decode(caption));
}

/** The most probable token behind inputs that follow those in the cache. */
function nextWords(captioner: Captioner, inputs_BTD: tf.Tensor, cache?: Gpt2Cache) {
  const { gpt2, gpt2Parameters } = captioner.parts;
  const step = gpt2Step(gpt2Parameters, gpt2, inputs_BTD, cache);
  const [batch, positions, width] = step.hidden_BTD.shape;
  const last_BD = tf.reshape(tf.slice(step.hidden_BTD, [0, positions - 1, 0], [batch, 1, width]), [
    batch,
    width,
  ]);
  const words_B = tf.argMax(gpt2Head(gpt2Parameters, gpt2, last_BD), 1) as tf.Tensor1D;
  return { words_B, cache: step.cache };
}
