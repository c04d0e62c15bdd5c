import {
  type DatasetImage,
  type Manifest,
  type ObjectStore,
  manifestPath,
  openStore,
  readDataset,
} from '@captrain/data';
import { startEngine } from '@captrain/engine';
import { ClipEncoder } from '@captrain/model';
import { UserError, formatBytes, formatCount } from '@captrain/runtime';
import type { EmbedConfig } from './embed-config.js';
import { embedPictures } from './embed-pictures.js';
import { type JobRecord, digestOfSources, readJob, refuseOther } from './job-record.js';

/**
 * Embeds a data set and says what was made. Files are a function of data set, encoder and config. Finished embeddings
 * of the same job are left alone, those of another are a `UserError`, unless they are to be overwritten.
 */
export async function embed(config: EmbedConfig, signal: AbortSignal): Promise<void> {
  const { images, missing } = await listImages(config);
  const store = await openStore(config.out);
  const { device, threads, instructionSet } = config;
  await startEngine({ device, threads, instructionSet });
  const encoder = await ClipEncoder.load(config.encoder, { signal });
  try {
    const job = jobOf(config, images, encoder);
    const before = await readJob(store);
    if (!config.overwrite && (await store.stat(manifestPath))) {
      refuseOther(before, job, store.uri);
      console.log(`${store.uri} is complete already; --overwrite makes it anew`);
      return;
    }
    const { manifest, skipped } = await embedPictures({
      config,
      images,
      missing,
      job,
      encoder,
      store,
      signal,
    });
    if (before || config.overwrite) await deleteStaleShards(store, manifest);
    console.log(summary(manifest, skipped, store.uri));
  } finally {
    encoder.close();
  }
}

async function listImages(config: EmbedConfig): Promise<{ images: DatasetImage[]; missing: string[] }> {
  const { dataset, format, images: folder, split, skipMissing } = config;
  const images: DatasetImage[] = [];
  const missing: string[] = [];
  const splits = new Set<string>();
  const onMissing = (files: readonly string[]) => missing.push(...files);
  for await (const image of readDataset({
    uri: dataset,
    format,
    images: folder,
    missing: 'skip',
    onMissing,
  })) {
    splits.add(image.split);
    if (split === undefined || image.split === split) images.push(image);
  }
  if (missing.length > 0 && !skipMissing) {
    throw new UserError(
      `${formatCount(missing.length)} pictures of ${dataset} are not there, the first is ${missing[0]}; get them, or leave them out with --skip-missing`,
    );
  }
  if (images.length > 0) return { images, missing };
  throw new UserError(`${dataset} has no pictures of split "${split}"; it has ${[...splits].join(', ')}`);
}

function jobOf(config: EmbedConfig, images: readonly DatasetImage[], encoder: ClipEncoder): JobRecord {
  const { dataset, format, split, precision, batchSize, rowsPerShard } = config;
  return {
    dataset,
    format,
    split: split ?? null,
    images: images.length,
    sources: digestOfSources(images),
    encoder: encoder.id,
    encoderFolder: encoder.source,
    encoderRevision: `sha256:${encoder.digest}`,
    precision,
    batchSize,
    rowsPerShard,
  };
}

/** Shards of an earlier job that this one did not write again. */
async function deleteStaleShards(store: ObjectStore, manifest: Manifest): Promise<void> {
  const written = new Set(manifest.shards.map(({ path }) => path));
  const stale: string[] = [];
  for await (const { path } of store.list()) {
    if (/^[\w-]+-\d{5}\.arrow$/.test(path) && !written.has(path)) stale.push(path);
  }
  for (const path of stale) await store.delete(path);
}

function summary({ shards, splits, totals }: Manifest, skipped: number, uri: string): string {
  const made = `${formatCount(totals.rows)} images with ${formatCount(totals.captions)} captions`;
  const files = `${shards.length} shard${shards.length === 1 ? '' : 's'}, ${formatBytes(totals.bytes)}`;
  const left = skipped > 0 ? `; ${formatCount(skipped)} skipped, see skipped.jsonl there` : '';
  return `Embedded ${made} (${Object.keys(splits).join(', ')}) into ${uri}: ${files}${left}`;
}
