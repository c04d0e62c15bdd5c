import { tf } from '@captrain/engine';
import type { MapperConfig } from '../config.js';
import { type EmbeddingSequences, type SequenceTensors, sequenceTensors } from './embedding-sequences.js';

/** Images (or sequences of them) and one caption each, as plain numbers. */
export interface CaptionBatch extends EmbeddingSequences {
  /** Target tokens of each caption, as `Captioner.tokenizeCaption` gives them: the end of text included. */
  tokens: readonly (readonly number[])[];
}

/** The same as tensors, for prefixes of P positions. B captions, N caption tokens in all. */
export interface CaptionTensors extends SequenceTensors {
  /** What the language model reads behind the prefix: every target but the last, padded on the right. */
  inputs_BL: tf.Tensor2D;
  /** The token to predict, for each of the N caption tokens. */
  targets_N: tf.Tensor1D;
  /** Where it is predicted: rows of the hidden states with batch and positions (P + L) flattened. */
  rows_N: tf.Tensor1D;
}

/**
 * Lays a batch out. Padding stands behind the captions, where causality hides it from every caption token, and
 * `rows_N` passes over it; so no token id is special. The caller disposes the tensors.
 */
export function captionTensors(
  batch: CaptionBatch,
  captioner: { embeddingDim: number; config: Pick<MapperConfig, 'prefixLength' | 'frames'> },
): CaptionTensors {
  const { tokens } = batch;
  const { embeddingDim, config } = captioner;
  if (tokens.length === 0 || tokens.some((caption) => caption.length === 0))
    throw new Error('every caption of a batch needs at least one target token');
  const sequences = sequenceTensors(batch, { embeddingDim, most: config.frames });
  const [count] = sequences.embeddings_BFC.shape;
  if (count !== tokens.length) throw new Error(`embeddings of ${count} images for ${tokens.length} captions`);
  const columns = Math.max(1, ...tokens.map((caption) => caption.length - 1));
  const inputs = new Int32Array(tokens.length * columns);
  const targets: number[] = [];
  const rows: number[] = [];
  tokens.forEach((caption, index) => {
    inputs.set(caption.slice(0, -1), index * columns);
    const first = index * (config.prefixLength + columns) + config.prefixLength - 1;
    caption.forEach((token, position) => {
      targets.push(token);
      rows.push(first + position);
    });
  });
  return {
    ...sequences,
    inputs_BL: tf.tensor2d(inputs, [tokens.length, columns], 'int32'),
    targets_N: tf.tensor1d(targets, 'int32'),
    rows_N: tf.tensor1d(rows, 'int32'),
  };
}
