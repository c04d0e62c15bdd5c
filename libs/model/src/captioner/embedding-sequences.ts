/** What captions are about, as plain numbers: one embedding each, or a sequence of them, such as a video's frames. */
export interface EmbeddingSequences {
  /** All embeddings, one after another, row after row: as many values as there are embeddings, times dim. */
  embeddings: Float32Array;
  /** How many of them belong to each input, in order; one each unless given. */
  frames?: readonly number[] | undefined;
}

/**
 * How many embeddings each input has; `most` is what the mapper takes. Throws where lengths and values do not fit each
 * other, or the mapper: faults of the caller.
 */
export function sequenceLengths(
  { embeddings, frames }: EmbeddingSequences,
  { embeddingDim, most }: { embeddingDim: number; most: number },
): readonly number[] {
  const rows = embeddings.length / embeddingDim;
  if (!Number.isInteger(rows))
    throw new Error(`${embeddings.length} values are no embeddings of width ${embeddingDim}`);
  const counts = frames ?? Array<number>(rows).fill(1);
  const wrong = counts.find((count) => !Number.isInteger(count) || count < 1 || count > most);
  if (wrong !== undefined) throw new Error(`a sequence of ${wrong} embeddings where 1 to ${most} are taken`);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== rows) throw new Error(`${rows} embeddings for sequences of ${total} in all`);
  return counts;
}
