import { tf } from '@captrain/engine';
import { AdamW, type CaptionBatch, Captioner, type Precision } from '@captrain/model';
import { learningRateAt, optimizerConfig } from '@captrain/model/config';
import type { StepBatch } from '../parity/step-task.js';
import type { TrainTask } from './task.js';
import { trainingStep } from './training-step.js';

/** How captrain's own side computes. */
export interface OwnKind {
  precision: Precision;
  /** Whether the captions of an image share one copy of its prefix. */
  sharedPrefix: boolean;
}

/** The kinds that there are; a benchmark runs them all. */
export const ownKinds: readonly OwnKind[] = (['float32', 'bfloat16'] as const).flatMap((precision) =>
  [true, false].map((sharedPrefix) => ({ precision, sharedPrefix })),
);

/** captrain's training step: everything about captrain that the benchmark knows. */
export class OwnStep {
  #step = 0;
  readonly #optimizer: AdamW;
  readonly #config;

  private constructor(
    readonly captioner: Captioner,
    readonly task: TrainTask,
    readonly embeddings: Float32Array,
    readonly sharedPrefix: boolean,
  ) {
    const { learningRate, warmup } = task;
    this.#config = optimizerConfig.parse({ learningRate, warmupSteps: warmup });
    this.#optimizer = new AdamW(captioner.variables, this.#config);
  }

  /** The captioner at the task's start; its mapper is made of the same seed as start.safetensors. */
  static async create(task: TrainTask, embeddings: Float32Array, kind: OwnKind): Promise<OwnStep> {
    const config = { ...task.options, precision: kind.precision };
    const captioner = await Captioner.create({ config, embeddingDim: task.dim, seed: task.seed });
    return new OwnStep(captioner, task, embeddings, kind.sharedPrefix);
  }

  /** Computes the gradient of each batch, so that the functions for their shapes are there. */
  compile(batches: readonly StepBatch[]): void {
    for (const batch of batches)
      tf.dispose(this.captioner.gradientTensors(this.captioner.pack(captionBatchOf(batch, this))).gradients);
  }

  /** One step with its update, and the loss before it: the mean over the caption tokens. */
  step(batch: StepBatch): number {
    const learningRate = learningRateAt(this.#config, this.#step, this.task.totalSteps);
    this.#step += 1;
    return trainingStep(this.captioner, this.#optimizer, captionBatchOf(batch, this), { learningRate });
  }
}

/** Images once and whose captions are whose; or, without shared prefixes, an image again for each of its captions. */
export function captionBatchOf(
  { images, captions }: StepBatch,
  options: { task: Pick<TrainTask, 'dim'>; embeddings: Float32Array; sharedPrefix: boolean },
): CaptionBatch {
  const { task, embeddings, sharedPrefix } = options;
  const rows = sharedPrefix ? [...new Set(images)] : images;
  const chosen = new Float32Array(rows.length * task.dim);
  rows.forEach((image, row) =>
    chosen.set(embeddings.subarray(image * task.dim, (image + 1) * task.dim), row * task.dim),
  );
  if (!sharedPrefix) return { embeddings: chosen, tokens: captions };
  return { embeddings: chosen, tokens: captions, images: images.map((image) => rows.indexOf(image)) };
}
