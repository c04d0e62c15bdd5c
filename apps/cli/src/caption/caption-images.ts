import { openStore } from '@captrain/data';
import { startEngine } from '@captrain/engine';
import type { Captioner } from '@captrain/model';
import { ProgressBar, UserError, colors, formatCount, formatTable, inBatches } from '@captrain/runtime';
import type { CaptionConfig } from '../commands/caption.js';
import { checkDecoding } from './decoding-config.js';
import { writeBatch } from './decoding.js';
import { embeddedImages } from './embedded-images.js';
import type { ImageSource } from './image-source.js';
import { loadFolder } from './load-folder.js';
import { type LoadedCaptioner, loadRun } from './load-run.js';
import { pictureFiles } from './picture-files.js';
import { type Prediction, cocoId, predictionsJson, writePredictions } from './predictions.js';
import { shuffledImages } from './shuffled-images.js';

/** `captrain caption`: captions of embedded images or of picture files, as a file, a table or JSON. */
export async function captionImages(
  config: CaptionConfig,
  files: string[],
  signal: AbortSignal,
): Promise<void> {
  if (config.data === undefined && files.length === 0) {
    throw new UserError('There is nothing to caption; name picture files, or embedded images with --data');
  }
  if (config.data !== undefined && files.length > 0) {
    throw new UserError('Both --data and picture files are given; name one of them');
  }
  checkDecoding(config);
  const loaded = await loadCaptioner(config, signal);
  const source = await openSource(loaded, config, files, signal);
  try {
    const predictions = await predict(loaded.captioner, source, config, signal);
    if (predictions.length === 0) throw new UserError(noneReadable(source));
    for (const fault of source.skipped) process.stderr.write(`skipped: ${fault}\n`);
    await show(predictions, config.out);
    if (source.skipped.length > 0) {
      throw new UserError(
        `${source.skipped.length} of ${source.count} pictures could not be read; see above`,
      );
    }
  } finally {
    source.close();
    loaded.captioner.close();
  }
}

/** Starts the engine and loads the captioner that was named: a run's, or a captioner folder's. */
async function loadCaptioner(config: CaptionConfig, signal: AbortSignal): Promise<LoadedCaptioner> {
  const { device, threads, instructionSet, run, checkpoint, model, languageModel } = config;
  if ((run === undefined) === (model === undefined)) {
    const given =
      run === undefined ? 'Neither --run nor --model is given' : 'Both --run and --model are given';
    throw new UserError(`${given}; name a trained run or a captioner folder`);
  }
  if (model !== undefined && languageModel !== undefined) {
    throw new UserError('--language-model does not go with --model: a captioner folder holds its own');
  }
  const store = run === undefined ? undefined : await openStore(run);
  await startEngine({ device, threads, instructionSet });
  return store === undefined ? loadFolder(model!) : loadRun(store, { checkpoint, languageModel, signal });
}

async function openSource(
  loaded: LoadedCaptioner,
  config: CaptionConfig,
  files: string[],
  signal: AbortSignal,
): Promise<ImageSource> {
  const { data, split, batchSize, shuffleEmbeddings } = config;
  const source =
    data !== undefined
      ? await embeddedImages(loaded, { data, split })
      : await pictureFiles(loaded, { files, model: config.encoder, batchSize, signal });
  return shuffleEmbeddings === undefined ? source : shuffledImages(source, shuffleEmbeddings);
}

async function predict(
  captioner: Captioner,
  { images, count }: ImageSource,
  config: CaptionConfig,
  signal: AbortSignal,
): Promise<Prediction[]> {
  const { batchSize } = config;
  const predictions: Prediction[] = [];
  const bar =
    count > batchSize ? new ProgressBar({ label: 'captioning', total: count, unit: 'images' }) : undefined;
  try {
    for await (const batch of inBatches(images, batchSize)) {
      const captions = writeBatch(captioner, batch, config);
      batch.forEach(({ imageId }, index) =>
        predictions.push({ image_id: cocoId(imageId), caption: captions[index]!.trim() }),
      );
      bar?.add(batch.length);
      // Lets signals in between two batches.
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
  } finally {
    bar?.close();
  }
  return predictions;
}

/** A table on a terminal; the results themselves where standard output goes elsewhere and no file is named. */
async function show(predictions: readonly Prediction[], out: string | undefined): Promise<void> {
  if (out !== undefined) await writePredictions(out, predictions);
  if (process.stdout.isTTY) {
    const rows = predictions.map(({ image_id, caption }) => [colors.dim(String(image_id)), caption]);
    console.log(formatTable(rows));
  } else if (out === undefined) process.stdout.write(predictionsJson(predictions));
  if (out !== undefined) console.log(`Wrote ${formatCount(predictions.length)} captions to ${out}`);
}

function noneReadable({ skipped, count }: ImageSource): string {
  return count === 1 ? skipped[0]! : `None of ${count} pictures can be read; the first: ${skipped[0]}`;
}
