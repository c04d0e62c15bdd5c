/**
 * The model's slices of a run's configuration: what apps compose into their own schema. Nothing here, nor in
 * anything imported here, touches TensorFlow.
 */
import { z } from 'zod';

export { learningRateAt } from './learning-rate.js';

/** How the values of a written model are stored. */
export const storedDtypes = ['float32', 'float16', 'bfloat16'] as const;
export type StoredDtype = (typeof storedDtypes)[number];

export const mapperConfig = z.strictObject({
  mapper: z
    .enum(['mlp', 'transformer'])
    .default('mlp')
    .describe('what turns an image embedding into a prefix: mlp or transformer'),
  prefixLength: z
    .number()
    .int()
    .min(1)
    .default(10)
    .describe('prefix positions that the mapper writes in front of a caption'),
  clipLength: z
    .number()
    .int()
    .min(1)
    .default(10)
    .describe('positions that the transformer mapper spreads the image embedding over'),
  mapperLayers: z.number().int().min(1).default(8).describe('layers of the transformer mapper'),
  mapperHeads: z.number().int().min(1).default(8).describe('attention heads of the transformer mapper'),
  normalizePrefix: z
    .boolean()
    .default(false)
    .describe('scale every image embedding to length 1 before the mapper'),
  frames: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('most embeddings of one input (frames of a video), for the transformer mapper'),
});
export type MapperConfig = z.infer<typeof mapperConfig>;

export const languageModelConfig = z.strictObject({
  languageModel: z
    .string()
    .min(1)
    .describe(
      'GPT-2 by its name on the Hugging Face hub (openai-community/gpt2, also with @revision), or its folder in the same layout',
    ),
  freezeLanguageModel: z
    .boolean()
    .default(false)
    .describe('train the mapper alone and leave the language model as it is'),
  maxCaptionTokens: z
    .number()
    .int()
    .min(1)
    .default(64)
    .describe('longest caption in tokens, end-of-text included; longer ones are cut in training'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe("dropout in a trained language model; its config's own rates unless given, 0: none"),
  captionEnd: z
    .enum(['end-of-text', 'full-stop'])
    .default('end-of-text')
    .describe(
      "what ends a caption: the language model's end-of-text, which is learned, or the first full stop, as in published ClipCap weights",
    ),
});
export type LanguageModelConfig = z.infer<typeof languageModelConfig>;

export const precisionConfig = z.strictObject({
  precision: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe('matrix products of training; weights, optimizer, sums and all else are float32 in any case'),
  xla: z
    .boolean()
    .default(false)
    .describe(
      'compile the gradient by XLA, for each length of a batch anew: takes seconds, and pays on GPUs',
    ),
});
export type PrecisionConfig = z.infer<typeof precisionConfig>;
export type Precision = PrecisionConfig['precision'];

/** What no result depends on. */
export const memoryConfig = z.strictObject({
  checkpointActivations: z
    .boolean()
    .default(false)
    .describe(
      "keep only the input of each of the language model's layers for the backward pass and compute the layer again there: less memory, up to a third more time, the same bits",
    ),
});
export type MemoryConfig = z.infer<typeof memoryConfig>;

/** Defaults are those of the reference's step: transformers' AdamW and linear warm-up, then linear decay to 0. */
export const optimizerConfig = z.strictObject({
  learningRate: z.number().positive().default(2e-5).describe('peak learning rate of AdamW'),
  warmupSteps: z
    .number()
    .int()
    .min(0)
    .default(5000)
    .describe('steps over which the learning rate rises from 0 to its peak'),
  schedule: z
    .enum(['linear', 'constant'])
    .default('linear')
    .describe("after warm-up: linear decay to 0 at the run's last step, or constant"),
  weightDecay: z.number().min(0).default(0).describe('decoupled weight decay, on all parameters alike'),
  beta1: z.number().min(0).lt(1).default(0.9).describe("decay of AdamW's mean of gradients"),
  beta2: z.number().min(0).lt(1).default(0.999).describe("decay of AdamW's mean of squared gradients"),
  epsilon: z.number().positive().default(1e-6).describe("AdamW's guard against division by zero"),
});
export type OptimizerConfig = z.infer<typeof optimizerConfig>;
