// I images, C captions, P prefix positions, M caption positions that are read, N = I·P + M rows, S = I + C segments,
// R = I + M rows that predict, T caption tokens
import { type EmbeddingSequences, sequenceLengths } from './embedding-sequences.js';

/** Captions about images (or sequences of them), as plain numbers. */
export interface CaptionBatch extends EmbeddingSequences {
  /** Target tokens of each caption, as `Captioner.tokenizeCaption` gives them: the end of text included. */
  tokens: readonly (readonly number[])[];
  /** Which image each caption is about; caption i is about image i unless given. */
  images?: readonly number[] | undefined;
}

/**
 * A batch laid out without padding, as plain arrays: first the P rows of every image's prefix, then what is read of
 * every caption (all its tokens but the last), one after another. Captions of one image share its prefix: causality
 * makes that exact. Behind it stand rows of padding up to `rows`, which nothing sees and nothing is learned from.
 */
export interface PackedBatch extends EmbeddingSequences {
  captions: number;
  captionTokens: number;
  /** The caption tokens that are read, then zeros. */
  tokens_M: Int32Array;
  /** The place of every row in its own sequence: 0…P−1 in a prefix, P… in a caption. */
  positions_N: Int32Array;
  /**
   * Runs of rows that belong together, [first, end, seenFirst, seenEnd]: each of a run's rows sees the rows of the
   * second range, a prefix, and those of the run up to itself. Prefixes first, then captions.
   */
  segments_S4: Int32Array;
  /** The rows that predict caption tokens: the last of every prefix, then all of M. */
  predicting_R: Int32Array;
  /** The tokens to predict, by ascending row; then zeros. */
  targets_T: Int32Array;
  /** Who predicts each: an index into R, and −1 for padding. */
  targetRows_T: Int32Array;
}

export interface PackOptions {
  embeddingDim: number;
  prefixLength: number;
  /** Most embeddings of an input. Default: 1. */
  frames?: number;
  /** Rounds the number of rows up, so that batches of almost the same length have the same shapes. Default: no padding. */
  bucket?: (rows: number) => number;
}

/**
 * Lays a batch out. A pure function. Throws where a caption has no token or is about no image, or embeddings do not fit.
 */
export function packBatch(
  { tokens, images, embeddings, frames }: CaptionBatch,
  options: PackOptions,
): PackedBatch {
  const { embeddingDim, prefixLength, frames: most = 1, bucket = (rows) => rows } = options;
  const imageCount = sequenceLengths({ embeddings, frames }, { embeddingDim, most }).length;
  if (tokens.length === 0 || tokens.some((caption) => caption.length === 0))
    throw new Error('every caption of a batch needs at least one target token');
  if (images === undefined && imageCount !== tokens.length)
    throw new Error(`embeddings of ${imageCount} images for ${tokens.length} captions`);
  const captionsOf: number[][] = Array.from({ length: imageCount }, () => []);
  for (const caption of tokens.keys()) {
    const own = captionsOf[images?.[caption] ?? caption];
    if (own === undefined)
      throw new Error(`caption ${caption} is about image ${images?.[caption]} of ${imageCount}`);
    own.push(caption);
  }
  const captionTokens = tokens.reduce((sum, caption) => sum + caption.length, 0);
  const prefixRows = imageCount * prefixLength;
  const read = captionTokens - tokens.length;
  const rows = bucket(prefixRows + read);
  const padding = rows - prefixRows - read;

  const positions_N = new Int32Array(rows);
  const tokens_M = new Int32Array(read + padding);
  const segments_S4 = new Int32Array((imageCount + tokens.length) * 4);
  const predicting_R = new Int32Array(imageCount + read + padding);
  const targets_T = new Int32Array(captionTokens + padding);
  const targetRows_T = new Int32Array(captionTokens + padding).fill(-1);
  for (let row = 0; row < prefixRows; row++) positions_N[row] = row % prefixLength;
  for (let row = 0; row < read + padding; row++) predicting_R[imageCount + row] = prefixRows + row;
  let target = 0;
  for (let image = 0; image < imageCount; image++) {
    segments_S4.set([image * prefixLength, (image + 1) * prefixLength, 0, 0], image * 4);
    predicting_R[image] = (image + 1) * prefixLength - 1;
    for (const caption of captionsOf[image]!) {
      targets_T[target] = tokens[caption]![0]!;
      targetRows_T[target++] = image;
    }
  }
  let first = 0;
  let segment = imageCount;
  for (const [image, own] of captionsOf.entries())
    for (const caption of own) {
      const words = tokens[caption]!;
      const length = words.length - 1;
      const [start, end] = [prefixRows + first, prefixRows + first + length];
      segments_S4.set([start, end, image * prefixLength, (image + 1) * prefixLength], segment++ * 4);
      for (let i = 0; i < length; i++) {
        tokens_M[first + i] = words[i]!;
        positions_N[start + i] = prefixLength + i;
        targets_T[target] = words[i + 1]!;
        targetRows_T[target++] = imageCount + first + i;
      }
      first += length;
    }
  return {
    embeddings,
    frames,
    captions: tokens.length,
    captionTokens,
    tokens_M,
    positions_N,
    segments_S4,
    predicting_R,
    targets_T,
    targetRows_T,
  };
}
