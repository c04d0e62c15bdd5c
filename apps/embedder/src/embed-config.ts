import { engineConfig } from '@captrain/engine/config';
import { z } from 'zod';

export const embedConfig = z.strictObject({
  dataset: z
    .string()
    .min(1)
    .describe('Folder of the data set (pictures and captions), or its captions file')
    .meta({ placeholder: 'URI' }),
  format: z.enum(['coco', 'flickr8k']).describe("The data set's layout"),
  images: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of the pictures, where they do not lie beside the captions')
    .meta({ placeholder: 'FOLDER' }),
  skipMissing: z.boolean().default(false).describe('Leave out pictures that are not there, and list them'),
  encoder: z
    .string()
    .min(1)
    .describe(
      "CLIP by its name on the Hugging Face hub (openai/clip-vit-base-patch32, also with @revision), its folder in that layout or OpenCLIP's, or a file of OpenAI's weights",
    )
    .meta({ placeholder: 'MODEL' }),
  out: z
    .string()
    .min(1)
    .describe('Where the shards go: a folder or s3://bucket/prefix')
    .meta({ placeholder: 'URI' }),
  split: z
    .string()
    .min(1)
    .optional()
    .describe('Only this split; all of them unless given')
    .meta({ placeholder: 'NAME' }),
  batchSize: z.int().min(1).default(32).describe('Pictures that the encoder takes at once'),
  rowsPerShard: z.int().min(1).default(4096).describe('Pictures in one shard file'),
  precision: z.enum(['float16', 'float32']).default('float16').describe('Numbers of the stored embeddings'),
  ...engineConfig.shape,
  overwrite: z.boolean().default(false).describe('Replace the data set that lies at --out'),
});
export type EmbedConfig = z.output<typeof embedConfig>;
