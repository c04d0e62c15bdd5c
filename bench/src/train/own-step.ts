import { AdamW, type CaptionBatch, Captioner, type Precision } from '@captrain/model';
import { learningRateAt, optimizerConfig } from '@captrain/model/config';
import type { StepBatch } from '../parity/step-task.js';
import type { TrainTask } from './task.js';

/** How captrain's own side computes. */
export interface OwnKind {
  precision: Precision;
  /** Whether the captions of an image share one copy of its prefix. */
  sharedPrefix: boolean;
}

/** The kinds that there are; a benchmark runs them all. */
export const ownKinds: readonly OwnKind[] = [
  { precision: 'float32', sharedPrefix: false },
  { precision: 'bfloat16', sharedPrefix: false },
];

/** captrain's training step: everything about captrain that the benchmark knows. */
export class OwnStep {
  #step = 0;
  readonly #optimizer: AdamW;
  readonly #gradients: Float32Array;
  readonly #config;

  private constructor(
    readonly captioner: Captioner,
    readonly task: TrainTask,
    readonly embeddings: Float32Array,
  ) {
    const { learningRate, warmup } = task;
    this.#config = optimizerConfig.parse({ learningRate, warmupSteps: warmup });
    this.#optimizer = new AdamW(captioner.variables, this.#config);
    this.#gradients = new Float32Array(captioner.layout.length);
  }

  /** The captioner at the task's start; its mapper is made of the same seed as start.safetensors. */
  static async create(task: TrainTask, embeddings: Float32Array, kind: OwnKind): Promise<OwnStep> {
    if (kind.sharedPrefix) throw new Error('the step has no shared prefixes');
    const config = { ...task.options, precision: kind.precision };
    const captioner = await Captioner.create({ config, embeddingDim: task.dim, seed: task.seed });
    return new OwnStep(captioner, task, embeddings);
  }

  /** One step with its update, and the loss before it: the mean over the caption tokens. */
  step(batch: StepBatch): number {
    const { lossSum, captionTokens } = this.captioner.gradient(this.#captionBatch(batch), {
      into: this.#gradients,
    });
    const learningRate = learningRateAt(this.#config, this.#step, this.task.totalSteps);
    this.#optimizer.apply(this.#gradients, { scale: 1 / captionTokens, learningRate });
    this.#step += 1;
    return lossSum / captionTokens;
  }

  #captionBatch({ images, captions }: StepBatch): CaptionBatch {
    const { dim } = this.task;
    const rows = new Float32Array(images.length * dim);
    images.forEach((image, row) =>
      rows.set(this.embeddings.subarray(image * dim, (image + 1) * dim), row * dim),
    );
    return { embeddings: rows, tokens: captions };
  }
}
