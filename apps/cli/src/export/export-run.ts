import path from 'node:path';
import { openStore } from '@captrain/data';
import {
  type CaptionerContent,
  captionerOptionsOf,
  checkShapes,
  checkpointGpt2,
  embeddingDimOf,
  gpt2Tensors,
  mapperShapes,
  readClipCapCheckpoint,
  readGpt2Config,
  openWeights,
  refuseTaken,
} from '@captrain/model';
import { modelFolder } from '@captrain/model/hub';
import { type TrainingConfig, checkpointAt, latestCheckpoint } from '@captrain/model/run';
import { UserError } from '@captrain/runtime';
import type { ExportConfig } from '../commands/export.js';
import { withCheckpointFile } from './checkpoint-file.js';
import { modelCard } from './model-card.js';
import { runFacts } from './run-facts.js';
import { readScores } from './scores.js';
import { writeWithProgress } from './write-with-progress.js';

/** `captrain export`: a run's checkpoint as a captioner folder. Throws `UserError`, and leaves nothing half. */
export async function exportRun(config: ExportConfig, signal: AbortSignal): Promise<void> {
  const { out, overwrite, dtype, step } = config;
  refuseTaken(out, overwrite);
  const scores = await Promise.all(config.scores.map(readScores));
  const store = await openStore(config.run);
  const checkpoint = step === undefined ? await latestCheckpoint(store) : await checkpointAt(store, step);
  if (checkpoint === undefined)
    throw new UserError(`${store.uri} holds no checkpoint; check --run, or train first by captrain train`);
  const facts = await runFacts(store, checkpoint.manifest);
  const training = checkpoint.manifest.config;
  const languageModel = await modelFolder(config.languageModel ?? training.languageModel, { signal });
  await withCheckpointFile(store, checkpoint, { beside: out, signal }, async (file) => {
    const content = await contentOf(file, training, languageModel);
    const { encoder, encoderRevision } = facts.data ?? {};
    const about = { embeddingDim: content.embeddingDim, encoder, encoderRevision };
    const card = modelCard({
      title: path.basename(path.resolve(out)),
      content,
      dtype,
      baseModels: [training.languageModel, encoder],
      origin: { kind: 'run', facts, config: training },
      scores,
    });
    await writeWithProgress(out, { ...content, about, card }, { dtype, overwrite, signal });
  });
  console.log(`Wrote the captioner of step ${facts.step} to ${out}`);
}

/** What a checkpoint's file and the language model's folder give of a captioner. */
async function contentOf(
  file: string,
  config: TrainingConfig,
  languageModel: string,
): Promise<Omit<CaptionerContent, 'card' | 'about'> & { embeddingDim: number }> {
  const gpt2 = readGpt2Config(languageModel);
  const checkpoint = readClipCapCheckpoint({ place: file, tensors: (await openWeights(file)).tensors });
  const embeddingDim = embeddingDimOf(config, { tensors: checkpoint.mapper }) ?? 0;
  const shapes = mapperShapes(config, { embeddingDim, width: gpt2.n_embd });
  checkShapes(shapes, { tensors: checkpoint.mapper }, file);
  return {
    options: captionerOptionsOf(config),
    embeddingDim,
    mapper: checkpoint.mapper,
    languageModel: config.freezeLanguageModel
      ? await gpt2Tensors(languageModel, gpt2)
      : checkpointGpt2(checkpoint, gpt2, languageModel),
    languageModelFolder: languageModel,
  };
}
