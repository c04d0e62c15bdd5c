import { ShardWriter, type ObjectStore } from '@captrain/data';
import { type RunConfig, runConfig } from '@captrain/model/run';

const DIM = 6;

/**
 * Writes embeddings of images with 0 to 3 captions each, split `train`, in shards of `rowsPerShard` images; and of others,
 * split `val`.
 */
export async function writeCaptionedImages(
  store: ObjectStore,
  { images, rowsPerShard, val = 0 }: { images: number; rowsPerShard: number; val?: number },
): Promise<void> {
  const contract = {
    encoder: 'random',
    encoderRevision: 'seed-1',
    dim: DIM,
    dtype: 'float32' as const,
    normalized: false,
    preprocessing: 'none',
    software: 'test',
  };
  const writer = await ShardWriter.create(store, contract, { rowsPerShard });
  for (let image = 0; image < images + val; image++) {
    await writer.add({
      imageId: String(image),
      embedding: Float32Array.from({ length: DIM }, (_, i) => image + i / 8),
      captions: Array.from({ length: (image * 3) % 4 }, (_, i) => `caption ${'very '.repeat(i)}${image}`),
      split: image < images ? 'train' : 'val',
    });
  }
  await writer.close();
}

/** A run's config over such images, in batches of 12 captions in 3 microbatches. */
export function configOver(data: string, languageModel: string, options: Partial<RunConfig> = {}): RunConfig {
  const sizes = { batchSize: 12, microbatches: 3, epochs: 3, prefixLength: 4, seed: 5 };
  return runConfig.parse({ data, languageModel, ...sizes, ...options });
}
