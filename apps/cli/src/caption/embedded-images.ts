import { EmbeddingDataset, openStore } from '@captrain/data';
import type { ImageSource } from './image-source.js';
import type { LoadedCaptioner } from './load-run.js';

/** The images of a split that are embedded already. Throws `UserError` where dim or encoder is not the captioner's. */
export async function embeddedImages(
  { captioner, encoder }: LoadedCaptioner,
  { data, split }: { data: string; split: string },
): Promise<ImageSource> {
  const { encoderRevision } = encoder ?? {};
  const expect = {
    dim: captioner.embeddingDim,
    ...(encoder && encoderRevision && { encoder: encoder.encoder, encoderRevision }),
  };
  const dataset = await EmbeddingDataset.open(await openStore(data), split, { expect });
  return { count: dataset.rows, skipped: [], images: dataset.eachRow(), close: () => {} };
}
