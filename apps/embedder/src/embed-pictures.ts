import { type DatasetImage, type Manifest, type ObjectStore, ShardWriter } from '@captrain/data';
import type { ClipEncoder } from '@captrain/model';
import { ProgressBar, UserError, formatCount, inBatches, mapInOrder } from '@captrain/runtime';
import type { EmbedConfig } from './embed-config.js';
import { type JobRecord, writeJob } from './job-record.js';
import { type Picture, type SkippedPicture, decodePicture } from './pictures.js';
import { SkipList } from './skip-list.js';
import { version } from './version.js';

export interface EmbeddingJob {
  config: EmbedConfig;
  images: readonly DatasetImage[];
  /** Files that the data set lists and that are not there. */
  missing: readonly string[];
  job: JobRecord;
  encoder: ClipEncoder;
  store: ObjectStore;
  signal: AbortSignal;
}

/**
 * Decodes, embeds and writes the images. Batches are cut from the readable pictures in the data set's order, so that
 * a vector's bits do not depend on timing. Nothing is written before the first batch is embedded: a data set
 * without a readable picture, a `UserError`, leaves nothing behind. The manifest is written last.
 */
export async function embedPictures(task: EmbeddingJob): Promise<{ manifest: Manifest; skipped: number }> {
  const { config, images, missing, encoder, store, signal } = task;
  const bar = new ProgressBar({ label: 'embedding', total: images.length, unit: 'images' });
  const skips = new SkipList((line) => bar.print(line));
  skips.addMissing(missing);
  let writer: ShardWriter | undefined;
  let embedded = 0;
  try {
    for await (const batch of inBatches(readable(task, skips), config.batchSize)) {
      const embeddings = encoder.embed(batch.map(({ pixels }) => pixels));
      writer ??= await begin(task);
      for (const [index, { image }] of batch.entries()) {
        const { imageId, captions, split } = image;
        await writer.add({ imageId, captions, split, embedding: embeddings[index]! });
      }
      embedded += batch.length;
      bar.set(embedded + skips.unreadable, skips.note);
      // Lets signals and finished decodes in between two batches.
      await new Promise(setImmediate);
      if (signal.aborted) throw stopped(bar.done, images.length, store.uri);
    }
    bar.set(embedded + skips.unreadable, skips.note);
    if (!writer) {
      throw new UserError(
        `None of the ${formatCount(images.length)} pictures can be read: ${skips.firstUnreadable}`,
      );
    }
    await skips.write(store);
    return { manifest: await writer.close(), skipped: skips.count };
  } finally {
    bar.close();
  }
}

/** The pictures that can be read, in order, decoded ahead of the encoder; the others go onto the list. */
async function* readable(
  { config, images, encoder }: EmbeddingJob,
  skips: SkipList,
): AsyncGenerator<Picture> {
  const ahead = Math.max(16, 2 * config.batchSize);
  const decode = (image: DatasetImage): Promise<Picture | SkippedPicture> =>
    decodePicture(image, encoder.preprocessor);
  for await (const picture of mapInOrder(images, ahead, decode)) {
    if ('pixels' in picture) yield picture;
    else skips.add(picture);
  }
}

async function begin({ config, job, encoder, store }: EmbeddingJob): Promise<ShardWriter> {
  const contract = {
    encoder: job.encoder,
    encoderRevision: job.encoderRevision,
    dim: encoder.dim,
    dtype: config.precision,
    normalized: false,
    preprocessing: JSON.stringify(encoder.preprocessor),
    software: `captrain ${version}`,
  };
  const options = { rowsPerShard: config.rowsPerShard, replace: config.overwrite };
  const writer = await ShardWriter.create(store, contract, options);
  await writeJob(store, job);
  return writer;
}

function stopped(done: number, total: number, uri: string): UserError {
  const progress = `${formatCount(done)} of ${formatCount(total)} images`;
  return new UserError(`Stopped after ${progress}; ${uri} is not complete, run the command again`);
}
