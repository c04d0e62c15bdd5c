import { sampleOrder } from '@captrain/data/order';
import type { ImageEmbedding, ImageSource } from './image-source.js';

/**
 * The same images, each with another one's embedding: the control that shows whether captions come from the pictures.
 * The images are put in a ring, in an order drawn from the seed, and each takes the embedding of the next.
 */
export function shuffledImages(source: ImageSource, seed: number): ImageSource {
  return { ...source, images: exchanged(source.images, seed) };
}

async function* exchanged(
  images: AsyncIterable<ImageEmbedding>,
  seed: number,
): AsyncGenerator<ImageEmbedding> {
  const all: ImageEmbedding[] = [];
  for await (const image of images) all.push(image);
  const ring = sampleOrder({ seed, epoch: 0, count: all.length });
  const donors = new Map<number, number>();
  ring.forEach((index, at) => donors.set(index, ring[(at + 1) % ring.length]!));
  for (const [index, image] of all.entries()) {
    yield { ...image, embedding: all[donors.get(index)!]!.embedding };
  }
}
