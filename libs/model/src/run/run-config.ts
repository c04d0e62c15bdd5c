import { engineConfig } from '@captrain/engine/config';
import { z } from 'zod';
import {
  languageModelConfig,
  mapperConfig,
  memoryConfig,
  optimizerConfig,
  precisionConfig,
} from '../config.js';

/** What a batch is, and how many there are. */
const orderConfig = z.strictObject({
  // Runs from before this option are of the default's kind: another default would break their resuming.
  order: z
    .enum(['captions', 'images'])
    .default('captions')
    .describe(
      'how an epoch goes through the captions: captions permutes them, as the reference does; images permutes the images, and the captions of each come one after another, which is faster, because those in a microbatch share one prefix (and its dropout), and mixes batches less',
    ),
  batchSize: z.number().int().min(1).default(40).describe('captions of the global batch, over all workers'),
  microbatches: z
    .number()
    .int()
    .min(1)
    .default(8)
    .describe(
      'parts that the global batch is cut into: the most workers that can share a step; part of the result, so 1, 2 and 4 workers train alike',
    ),
  microbatchCuts: z
    .array(z.strictObject({ step: z.number().int().min(1), microbatches: z.number().int().min(1) }))
    .optional()
    .describe(
      'finer cuts, each from an update on (counted from 1), the earliest first; written by the run itself where memory was short',
    ),
  epochs: z.number().int().min(1).default(10).describe('passes over the training captions'),
  steps: z.number().int().min(1).optional().describe('steps to train; instead of epochs'),
  seed: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('seed of the new weights, of the sample order and of dropout'),
});

/** Steps that replicas take apart from each other: another algorithm than synchronous training, for slow networks. */
const localStepsConfig = z.strictObject({
  localSteps: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe(
      'AdamW steps that islands take apart before they are averaged (DiLoCo), for slow networks; 1: none, all steps are of the whole global batch. Another algorithm with other weights, as exact',
    ),
  islands: z
    .number()
    .int()
    .min(1)
    .default(4)
    .describe(
      'with local steps: replicas that walk apart, each on an equal part of every global batch; part of the result, and the most workers that can share a round',
    ),
  outerLearningRate: z
    .number()
    .positive()
    .default(0.7)
    .describe("with local steps: how far the weights follow the islands' mean change"),
  outerMomentum: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe('with local steps: decay of the Nesterov momentum of these changes'),
});

/** Everything that the trained weights are a function of. It is part of every checkpoint. */
export const trainingConfig = z.strictObject({
  data: z.string().min(1).describe('embeddings made by captrain embed: a folder or s3://bucket/prefix'),
  split: z.string().min(1).default('train').describe('split of the data to train on'),
  ...mapperConfig.shape,
  ...languageModelConfig.shape,
  ...precisionConfig.shape,
  init: z
    .string()
    .min(1)
    .optional()
    .describe(
      'captioner folder whose weights to start from; its options and its language model hold where no others are given',
    ),
  ...orderConfig.shape,
  ...optimizerConfig.shape,
  ...localStepsConfig.shape,
  collectiveSince: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'the first step whose gradients workers summed collectively: weights since then depend, in their last bits, on the number of workers and on who was lost when; written by the run itself',
    ),
  exchange: z
    .enum(['exact', 'bf16'])
    .default('exact')
    .describe(
      'how gradients travel: exact (float32), so that the result is the same for any number of workers; or bf16, half the bytes, rounded on the way and added in float32',
    ),
});
export type TrainingConfig = z.infer<typeof trainingConfig>;

/** What is looked at of a checkpoint, besides: no weight depends on it. */
const validationConfig = z.strictObject({
  validationSplit: z
    .string()
    .min(1)
    .optional()
    .describe(
      'split of the data whose loss is computed at every checkpoint, to find the best one; unless given val or validation, where the data have it',
    ),
  validationCaptions: z
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe(
      'captions of that split that are taken at most, always the same ones; 0: no validation. Both may change when the run is resumed',
    ),
});

/** A run's config.json: the training config, and what it is computed with. */
export const runConfig = z
  .strictObject({
    ...trainingConfig.shape,
    ...engineConfig.shape,
    ...memoryConfig.shape,
    checkpointEvery: z
      .number()
      .int()
      .min(0)
      .default(1000)
      .describe('steps between checkpoints; 0: only at the end. The last step is always saved'),
    digestEvery: z
      .number()
      .int()
      .min(0)
      .default(100)
      .describe("steps between comparisons of the workers' replicas by digest; 0: only at checkpoints"),
    ...validationConfig.shape,
  })
  .refine(({ batchSize, localSteps, islands }) => localSteps === 1 || batchSize % islands === 0, {
    path: ['batchSize'],
    message: 'must be a multiple of the islands, where there are local steps',
  })
  .refine(({ batchSize, microbatches }) => batchSize % microbatches === 0, {
    path: ['batchSize'],
    message: 'must be a multiple of the microbatches',
  })
  .refine(
    ({ batchSize, microbatchCuts = [] }) =>
      microbatchCuts.every(({ microbatches }) => batchSize % microbatches === 0),
    { path: ['microbatchCuts'], message: 'must cut the batch into equal parts' },
  )
  .refine(({ microbatches, localSteps, islands }) => localSteps === 1 || microbatches % islands === 0, {
    path: ['microbatches'],
    message: 'must be a multiple of the islands, where there are local steps',
  });
export type RunConfig = z.infer<typeof runConfig>;

/** The part of a run's config that goes into its checkpoints. */
export function trainingPart(config: RunConfig): TrainingConfig {
  const part = Object.fromEntries(
    Object.keys(trainingConfig.shape).map((key) => [key, config[key as keyof RunConfig]]),
  );
  return trainingConfig.parse(part);
}

/** Values that are exchanged for each parameter: its gradient, or the changes of the parameter and its two moments in a round. */
export function exchangedPerParameter({ localSteps }: Pick<TrainingConfig, 'localSteps'>): number {
  return localSteps > 1 ? 3 : 1;
}
