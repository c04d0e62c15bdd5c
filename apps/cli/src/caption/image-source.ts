export interface ImageEmbedding {
  imageId: string;
  /** [dim] */
  embedding: Float32Array;
}

/** Images to write captions for. `close()` frees what made their embeddings. */
export interface ImageSource {
  /** How many there are, those that cannot be read included. */
  count: number;
  /** Filled while `images` is read: those that cannot be read, each with its reason. */
  skipped: string[];
  images: AsyncIterable<ImageEmbedding>;
  close(): void;
}
