import type { EmbeddingDataset } from '@captrain/data';
import { type CaptionTokenizer, type PackedBatch, bucketOf, packBatch } from '@captrain/model/batches';
import type { RunConfig } from '@captrain/model/run';

/** Reads captions, by their position in the dataset's split, and their images' vectors; tokenizes and packs them. */
export async function packSamples(
  samples: Uint32Array,
  dataset: EmbeddingDataset,
  tokenizer: CaptionTokenizer,
  { prefixLength }: Pick<RunConfig, 'prefixLength'>,
): Promise<PackedBatch> {
  const { captions, embeddings, images } = await dataset.samples(samples);
  const tokens = captions.map((caption) => tokenizer.tokensOf(caption));
  const options = { embeddingDim: dataset.dim, prefixLength, bucket: bucketOf };
  return packBatch({ embeddings, images, tokens }, options);
}
