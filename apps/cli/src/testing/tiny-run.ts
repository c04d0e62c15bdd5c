import path from 'node:path';
import { EmbeddingDataset, ShardWriter, openStore } from '@captrain/data';
import { startEngine } from '@captrain/engine';
import { Captioner, ClipEncoder, decodeImage, tensorsOfFlat, writeSafetensors } from '@captrain/model';
import {
  CheckpointLog,
  type CheckpointManifest,
  type TrainingConfig,
  checkpointFiles,
  checkpointFolder,
  trainingConfig,
} from '@captrain/model/run';
import { writeTinyClip, writeTinyGpt2 } from '@captrain/model/testing';
import { sha256 } from '@captrain/runtime';
import sharp from 'sharp';

/** What stands in the folder of a tiny run: models of random weights, three pictures, their embeddings, a checkpoint. */
export interface TinyRun {
  clip: string;
  gpt2: string;
  data: string;
  run: string;
  pictures: string[];
  config: TrainingConfig;
}

export async function writeTinyRun(root: string): Promise<TinyRun> {
  const at = (name: string) => path.join(root, name);
  const [clip, gpt2, data, run] = [at('clip'), at('gpt2'), at('data'), at('run')];
  writeTinyClip(clip);
  writeTinyGpt2(gpt2);
  await startEngine({ device: 'cpu' });

  const pictures: string[] = [];
  for (const [index, r] of [20, 120, 220].entries()) {
    const picture = at(`${index + 1}.jpg`);
    await sharp({ create: { width: 40, height: 40, channels: 3, background: { r, g: 90, b: 250 - r } } })
      .jpeg()
      .toFile(picture);
    pictures.push(picture);
  }
  await embedPictures(clip, pictures, data);

  const config = trainingConfig.parse({ data, languageModel: gpt2, prefixLength: 4, maxCaptionTokens: 8 });
  const captioner = await Captioner.create({ config, embeddingDim: 24, seed: 5 });
  const tensors = tensorsOfFlat(captioner.layout, captioner.exportFlat());
  const store = await openStore(run);
  const files: CheckpointManifest['files'] = {};
  // In several files, as a large model's.
  const modelFiles = checkpointFiles(captioner.layout, { maxFileBytes: 20_000 });
  for (const file of modelFiles.filter(({ kind }) => kind === 'model')) {
    const held = file.tensors.map(({ name }) => [name, tensors.get(name)!] as const);
    const bytes = writeSafetensors(new Map(held), { format: 'pt' });
    await store.put(`${checkpointFolder(3)}/${file.name}`, bytes);
    files[file.name] = { bytes: bytes.length, sha256: sha256(bytes) };
  }
  captioner.close();
  const dataDigest = (await EmbeddingDataset.open(await openStore(data), 'val')).manifest.digest;
  const log = await CheckpointLog.open(store, { term: 1 });
  await log.commit({ format: 1, step: 3, epoch: 0, position: 0, config, data: dataDigest, files });
  return { clip, gpt2, data, run, pictures, config };
}

/** Embeds pictures by a CLIP folder, as images 1, 2, … of split `val`. */
export async function embedPictures(clip: string, pictures: readonly string[], out: string): Promise<void> {
  const encoder = await ClipEncoder.load(clip);
  const store = await openStore(out);
  const writer = await ShardWriter.create(store, {
    encoder: encoder.id,
    encoderRevision: `sha256:${encoder.digest}`,
    dim: encoder.dim,
    dtype: 'float32',
    normalized: false,
    preprocessing: JSON.stringify(encoder.preprocessor),
    software: 'test',
  });
  const pixels = await Promise.all(pictures.map((file) => decodeImage(file, encoder.preprocessor)));
  for (const [index, embedding] of encoder.embed(pixels).entries()) {
    await writer.add({ imageId: String(index + 1), embedding, captions: ['a colour'], split: 'val' });
  }
  await writer.close();
  await store.put('embedding.json', JSON.stringify({ encoderFolder: clip }));
  encoder.close();
}
