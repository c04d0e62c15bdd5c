import { expect, it } from 'vitest';
import type { ImageEmbedding } from './image-source.js';
import { shuffledImages } from './shuffled-images.js';

async function shuffled(count: number, seed: number): Promise<number[]> {
  async function* images(): AsyncGenerator<ImageEmbedding> {
    for (let index = 0; index < count; index++) {
      yield { imageId: `image ${index}`, embedding: Float32Array.of(index) };
    }
  }
  const source = shuffledImages({ count, skipped: [], images: images(), close: () => {} }, seed);
  const donors: number[] = [];
  for await (const { imageId, embedding } of source.images) {
    expect(imageId).toBe(`image ${donors.length}`);
    donors.push(embedding[0]!);
  }
  return donors;
}

it('gives every image another one’s embedding, and every embedding once', async () => {
  const donors = await shuffled(300, 1);
  expect(new Set(donors).size).toBe(300);
  expect(donors.filter((donor, index) => donor === index)).toEqual([]);
});

it('is decided by the seed', async () => {
  expect(await shuffled(50, 1)).toEqual(await shuffled(50, 1));
  expect(await shuffled(50, 1)).not.toEqual(await shuffled(50, 2));
});
