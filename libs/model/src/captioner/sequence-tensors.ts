import { tf } from '@captrain/engine';
import { type EmbeddingSequences, sequenceLengths } from './embedding-sequences.js';

/** Embeddings, or sequences of them, as tensors. B inputs, F frames of the longest, C width of an embedding. */
export interface SequenceTensors {
  /** Short sequences are padded with zeros behind their frames. */
  embeddings_BFC: tf.Tensor3D;
  /** How many frames of each are real (int32); absent where all are. */
  frames_B?: tf.Tensor1D;
}

/** Lays sequences out, padded to the longest of them. Throws as `sequenceLengths`. The caller disposes the tensors. */
export function sequenceTensors(
  sequences: EmbeddingSequences,
  options: { embeddingDim: number; most: number },
): SequenceTensors {
  const { embeddings } = sequences;
  const { embeddingDim } = options;
  const counts = sequenceLengths(sequences, options);
  const longest = Math.max(1, ...counts);
  const shape: [number, number, number] = [counts.length, longest, embeddingDim];
  if (counts.every((count) => count === longest))
    return { embeddings_BFC: tf.tensor3d(embeddings.slice(), shape) };
  const padded = new Float32Array(counts.length * longest * embeddingDim);
  let first = 0;
  counts.forEach((count, index) => {
    const values = embeddings.subarray(first * embeddingDim, (first + count) * embeddingDim);
    padded.set(values, index * longest * embeddingDim);
    first += count;
  });
  return {
    embeddings_BFC: tf.tensor3d(padded, shape),
    frames_B: tf.tensor1d([...counts], 'int32'),
  };
}
