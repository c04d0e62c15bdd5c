import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CaptionBatch, Captioner, type Precision } from '@captrain/model';
import { tensorOf } from '../parity/context.js';
import { captionBatchOf } from '../train/own-step.js';
import { writeTrainLanguageModel, writeTrainTask } from '../train/task.js';
import type { TrainVariant } from '../train/variants.js';

export interface FullSizeOptions {
  variant: TrainVariant;
  precision: Precision;
  /** Whether the captions of an image share its prefix. */
  shared: boolean;
  /** Of real captions. */
  data: string;
}

/** What `npm run bench -- train` measures, to be profiled: a captioner (close it) and a batch of 40 captions. */
export async function fullSizeStep(
  options: FullSizeOptions,
): Promise<{ captioner: Captioner; batch: CaptionBatch }> {
  const { variant, precision, shared, data } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'captrain-profile-'));
  try {
    const languageModel = await writeTrainLanguageModel(folder);
    const task = await writeTrainTask(folder, { variant, languageModel, data, batches: 1, totalSteps: 1 });
    const embeddings = tensorOf(path.join(folder, 'embeddings.safetensors'), 'embeddings');
    const config = { ...task.options, precision };
    return {
      captioner: await Captioner.create({ config, embeddingDim: task.dim, seed: task.seed }),
      batch: captionBatchOf(task.batches[0]!, { task, embeddings, sharedPrefix: shared }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
