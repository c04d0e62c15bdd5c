// I images, C captions, P prefix positions, M caption rows, N = I·P + M rows, S = I + 2C segments, R = I + M rows that
// predict, T caption tokens
import { CaptionTrie } from './caption-trie.js';
import { type EmbeddingSequences, sequenceLengths } from './embedding-sequences.js';

/** Captions about images (or sequences of them), as plain numbers. */
export interface CaptionBatch extends EmbeddingSequences {
  /** Target tokens of each caption, as `Captioner.tokenizeCaption` gives them: the end of text included. */
  tokens: readonly (readonly number[])[];
  /** Which image each caption is about; caption i is about image i unless given. */
  images?: readonly number[] | undefined;
}

/**
 * A batch laid out without padding, as plain arrays: first the P rows of every image's prefix, then what is read of its
 * captions (all their tokens but the last). What captions of one image have in common stands there once: the prefix,
 * and the words that they begin with alike. Causality makes that exact: a row depends on what stands before it only.
 * Behind them stand rows of padding, which nothing sees and nothing is learned from.
 */
export interface PackedBatch extends EmbeddingSequences {
  captions: number;
  captionTokens: number;
  /** The tokens of the caption rows, then zeros. */
  tokens_M: Int32Array;
  /** The place of every row in its own sequence: 0…P−1 in a prefix, P… in a caption. */
  positions_N: Int32Array;
  /**
   * Runs of rows, [first, end, parent]: each row of a run sees those of the run up to itself, and all that the run's
   * parent (the number of an earlier segment; −1: none) and its ancestors hold. Prefixes first; unused ones are empty.
   */
  segments_S3: Int32Array;
  /** The rows that predict caption tokens: the last of every prefix, then all of M. */
  predicting_R: Int32Array;
  /** The tokens to predict, one for each token of each caption, by ascending row; then zeros. */
  targets_T: Int32Array;
  /** Who predicts each: an index into R, and −1 for padding. */
  targetRows_T: Int32Array;
}

export interface PackOptions {
  embeddingDim: number;
  prefixLength: number;
  /** Most embeddings of an input. Default: 1. */
  frames?: number;
  /**
   * Rounds the number of rows up, and, more coarsely, that of targets, so that batches of almost the same length have the
   * same shapes. One does not follow from the other: captions that begin alike have rows in common, and targets of their
   * own. Default: no padding.
   */
  bucket?: (rows: number) => number;
}

/**
 * Lays a batch out. A pure function. Throws where a caption has no token or is about no image, or embeddings do not fit.
 */
export function packBatch(
  { tokens, images, embeddings, frames }: CaptionBatch,
  options: PackOptions,
): PackedBatch {
  const { embeddingDim, prefixLength, frames: most = 1, bucket } = options;
  const imageCount = sequenceLengths({ embeddings, frames }, { embeddingDim, most }).length;
  if (tokens.length === 0 || tokens.some((caption) => caption.length === 0))
    throw new Error('every caption of a batch needs at least one target token');
  if (images === undefined && imageCount !== tokens.length)
    throw new Error(`embeddings of ${imageCount} images for ${tokens.length} captions`);
  const tries = Array.from({ length: imageCount }, () => new CaptionTrie());
  for (const [caption, words] of tokens.entries()) {
    const trie = tries[images?.[caption] ?? caption];
    if (trie === undefined)
      throw new Error(`caption ${caption} is about image ${images?.[caption]} of ${imageCount}`);
    trie.add(words);
  }
  const captionTokens = tokens.reduce((sum, caption) => sum + caption.length, 0);
  const prefixRows = imageCount * prefixLength;
  const captionRows = tries.reduce((sum, trie) => sum + trie.size - 1, 0);
  const rows = prefixRows + captionRows;
  const padding = bucket === undefined ? 0 : bucket(rows) - rows;
  // Coarser: a target that is none costs next to nothing, and so the rows alone decide how many shapes there are.
  const allTargets = bucket === undefined ? captionTokens : 16 * bucket(Math.ceil(captionTokens / 16));

  const tokens_M = new Int32Array(captionRows + padding);
  const positions_N = new Int32Array(prefixRows + captionRows + padding);
  const segments_S3 = new Int32Array((imageCount + 2 * tokens.length) * 3);
  const predicting_R = new Int32Array(imageCount + captionRows + padding);
  const targets_T = new Int32Array(allTargets);
  const targetRows_T = new Int32Array(targets_T.length).fill(-1);
  for (let row = 0; row < prefixRows; row++) positions_N[row] = row % prefixLength;
  for (let row = 0; row < captionRows + padding; row++) predicting_R[imageCount + row] = prefixRows + row;

  let segments = 0;
  const addSegment = (first: number, end: number, parent: number) => {
    segments_S3.set([first, end, parent], segments * 3);
    return segments++;
  };
  let targets = 0;
  const addTargets = (row: number, node: CaptionTrie) => {
    targets_T.set(node.targets, targets);
    targetRows_T.fill(row, targets, (targets += node.targets.length));
  };
  for (const [image, trie] of tries.entries()) {
    addSegment(image * prefixLength, (image + 1) * prefixLength, -1);
    predicting_R[image] = (image + 1) * prefixLength - 1;
    addTargets(image, trie);
  }
  let row = 0;
  /** Lays out the runs below a node, each as long as no two captions part. */
  const addRuns = (parent: CaptionTrie, parentSegment: number, depth: number) => {
    for (const [token, child] of parent.children) {
      const first = row;
      let [word, node, position] = [token, child, depth];
      for (;;) {
        tokens_M[row] = word;
        positions_N[prefixRows + row] = prefixLength + position++;
        addTargets(imageCount + row++, node);
        if (node.children.size !== 1) break;
        [[word, node]] = node.children as unknown as [[number, CaptionTrie]];
      }
      addRuns(node, addSegment(prefixRows + first, prefixRows + row, parentSegment), position);
    }
  };
  for (const [image, trie] of tries.entries()) addRuns(trie, image, 0);
  segments_S3.subarray(segments * 3).forEach((_, i, unused) => (unused[i] = i % 3 === 2 ? -1 : 0));
  return {
    embeddings,
    frames,
    captions: tokens.length,
    captionTokens,
    tokens_M,
    positions_N,
    segments_S3,
    predicting_R,
    targets_T,
    targetRows_T,
  };
}
