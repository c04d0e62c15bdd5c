import { captionBeam, captionGreedy, captionSampled, type Captioner } from '@captrain/model';
import type { DecodingConfig } from './decoding-config.js';
import type { ImageEmbedding } from './image-source.js';

/** Captions of a batch of images, in the way that the options name. */
export function writeBatch(
  captioner: Captioner,
  batch: readonly ImageEmbedding[],
  { beam, topP, temperature, seed = 0, maxTokens }: DecodingConfig & { maxTokens?: number | undefined },
): string[] {
  const embeddings = new Float32Array(batch.length * captioner.embeddingDim);
  batch.forEach(({ embedding }, index) => embeddings.set(embedding, index * captioner.embeddingDim));
  if (beam !== undefined) return captionBeam(captioner, embeddings, { beams: beam, temperature, maxTokens });
  if (topP === undefined) return captionGreedy(captioner, embeddings, { maxTokens });
  const imageIds = batch.map(({ imageId }) => imageId);
  return captionSampled(captioner, embeddings, { seed, imageIds, topP, temperature, maxTokens });
}
