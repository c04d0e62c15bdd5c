import { EmbeddingDataset, openStore } from '@captrain/data';
import type { ImageSource } from './image-source.js';
import type { LoadedRun, RunEncoder } from './load-run.js';

/** The images of a split that are embedded already. Throws `UserError` where dim or encoder is not the run's. */
export async function embeddedImages(
  run: LoadedRun,
  encoder: RunEncoder | undefined,
  { data, split }: { data: string; split: string },
): Promise<ImageSource> {
  const expect = {
    dim: run.captioner.embeddingDim,
    ...(encoder && { encoder: encoder.encoder, encoderRevision: encoder.encoderRevision }),
  };
  const dataset = await EmbeddingDataset.open(await openStore(data), split, { expect });
  return { count: dataset.rows, skipped: [], images: dataset.eachRow(), close: () => {} };
}
