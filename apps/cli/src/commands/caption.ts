import { engineConfig } from '@captrain/engine/config';
import { defineCommand } from '@captrain/runtime';
import { z } from 'zod';
import { checkpointOption } from '../checkpoint-option.js';
import { decodingConfig } from '../caption/decoding-config.js';

const schema = z.strictObject({
  run: z
    .string()
    .min(1)
    .optional()
    .describe("The trained run's folder, or s3://bucket/prefix")
    .meta({ placeholder: 'URI' }),
  checkpoint: checkpointOption,
  model: z
    .string()
    .min(1)
    .optional()
    .describe('Captioner folder that captrain export or captrain import wrote, instead of a run')
    .meta({ placeholder: 'FOLDER' }),
  data: z
    .string()
    .min(1)
    .optional()
    .describe('Embedded images, instead of picture files')
    .meta({ placeholder: 'URI' }),
  split: z.string().min(1).default('val').describe('Split of --data').meta({ placeholder: 'NAME' }),
  out: z
    .string()
    .min(1)
    .optional()
    .describe('COCO results JSON to write: [{"image_id", "caption"}]')
    .meta({ placeholder: 'FILE' }),
  encoder: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The captioner's CLIP, for picture files, by its folder or its name on the hub; the one that made its training data unless given",
    )
    .meta({ placeholder: 'MODEL' }),
  languageModel: z
    .string()
    .min(1)
    .optional()
    .describe("The run's language model by its folder, if that was moved, or by its name on the hub")
    .meta({ placeholder: 'MODEL' }),
  shuffleEmbeddings: z
    .int()
    .min(0)
    .optional()
    .describe(
      "Seed by which every image gets another one's embedding: the control, whose captions must score far lower",
    )
    .meta({ placeholder: 'SEED' }),
  batchSize: z.int().min(1).default(32).describe('Images to write captions for at once'),
  maxTokens: z
    .int()
    .min(1)
    .optional()
    .describe("Longest caption in tokens; the run's own limit unless given"),
  ...decodingConfig.shape,
  ...engineConfig.shape,
});

export type CaptionConfig = z.output<typeof schema>;

export const caption = defineCommand({
  name: 'caption',
  summary: "Writes captions by a run's checkpoint or a captioner folder",
  examples: [
    'captrain caption --run runs/mlp photo.jpg',
    'captrain caption --model captioner --encoder clip-vit-base-patch32 photo.jpg',
    'captrain caption --run runs/mlp --data embeddings --split val --out captions.json',
    'captrain caption --run runs/mlp --beam 5 photo.jpg',
    'captrain caption --run runs/mlp --top-p 0.9 --temperature 0.8 --seed 1 photo.jpg',
    'captrain caption --run s3://runs/mlp --encoder openai/clip-vit-base-patch32 *.jpg --out captions.json',
  ],
  schema,
  arguments: { name: 'IMAGE', description: 'Picture files', variadic: true },
  // TensorFlow only loads once the flags are right.
  run: async (config, { signal, arguments: files }) =>
    (await import('../caption/caption-images.js')).captionImages(config, files, signal),
});
