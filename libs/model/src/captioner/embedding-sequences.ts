import { tf } from '@captrain/engine';

/** What captions are about, as plain numbers: one embedding each, or a sequence of them, such as a video's frames. */
export interface EmbeddingSequences {
  /** All embeddings, one after another, row after row: as many values as there are embeddings, times dim. */
  embeddings: Float32Array;
  /** How many of them belong to each input, in order; one each unless given. */
  frames?: readonly number[] | undefined;
}

/** The same as tensors. B inputs, F frames of the longest, C width of an embedding. */
export interface SequenceTensors {
  /** Short sequences are padded with zeros behind their frames. */
  embeddings_BFC: tf.Tensor3D;
  /** How many frames of each are real (int32); absent where all are. */
  frames_B?: tf.Tensor1D;
}

/**
 * Lays sequences out, padded to the longest of them; `most` is what the mapper takes. Throws where lengths and values
 * do not fit each other, or the mapper: faults of the caller. The caller disposes the tensors.
 */
export function sequenceTensors(
  { embeddings, frames }: EmbeddingSequences,
  { embeddingDim, most }: { embeddingDim: number; most: number },
): SequenceTensors {
  const rows = embeddings.length / embeddingDim;
  if (!Number.isInteger(rows))
    throw new Error(`${embeddings.length} values are no embeddings of width ${embeddingDim}`);
  const counts = frames ?? Array<number>(rows).fill(1);
  const wrong = counts.find((count) => !Number.isInteger(count) || count < 1 || count > most);
  if (wrong !== undefined) throw new Error(`a sequence of ${wrong} embeddings where 1 to ${most} are taken`);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== rows) throw new Error(`${rows} embeddings for sequences of ${total} in all`);
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
