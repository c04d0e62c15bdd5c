import path from 'node:path';
import { openStore } from '@captrain/data';
import {
  type CaptionerContent,
  type WeightsFile,
  captionerOptionsOf,
  checkShapes,
  checkpointGpt2,
  embeddingDimOf,
  gpt2Tensors,
  joinWeights,
  mapperShapes,
  readClipCapCheckpoint,
  readGpt2Config,
  openWeights,
  refuseTaken,
} from '@captrain/model';
import { modelFolder } from '@captrain/model/hub';
import { type TrainingConfig, findCheckpoint } from '@captrain/model/run';
import type { ExportConfig } from '../commands/export.js';
import { modelCard } from './model-card.js';
import { withModelFiles } from './model-files.js';
import { runFacts } from './run-facts.js';
import { readScores } from './scores.js';
import { writeWithProgress } from './write-with-progress.js';

/** `captrain export`: a run's checkpoint as a captioner folder. Throws `UserError`, and leaves nothing half. */
export async function exportRun(config: ExportConfig, signal: AbortSignal): Promise<void> {
  const { out, overwrite, dtype } = config;
  refuseTaken(out, overwrite);
  const scores = await Promise.all(config.scores.map(readScores));
  const store = await openStore(config.run);
  const checkpoint = await findCheckpoint(store, config.checkpoint);
  const facts = await runFacts(store, checkpoint.manifest);
  const training = checkpoint.manifest.config;
  const languageModel = await modelFolder(config.languageModel ?? training.languageModel, { signal });
  await withModelFiles(store, checkpoint, { beside: out, signal }, async (files) => {
    const weights = joinWeights(
      await Promise.all(files.map(openWeights)),
      `${store.uri}/${checkpoint.folder}`,
    );
    const content = await contentOf(weights, training, languageModel);
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

/** What a checkpoint's weights and the language model's folder give of a captioner. */
async function contentOf(
  weights: WeightsFile,
  config: TrainingConfig,
  languageModel: string,
): Promise<Omit<CaptionerContent, 'card' | 'about'> & { embeddingDim: number }> {
  const gpt2 = readGpt2Config(languageModel);
  const checkpoint = readClipCapCheckpoint(weights);
  const embeddingDim = embeddingDimOf(config, { tensors: checkpoint.mapper }) ?? 0;
  const shapes = mapperShapes(config, { embeddingDim, width: gpt2.n_embd });
  checkShapes(shapes, { tensors: checkpoint.mapper }, weights.place);
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
