import { mapperConfig, storedDtypes } from '@captrain/model/config';
import { defineCommand } from '@captrain/runtime';
import { z } from 'zod';

const schema = z.strictObject({
  weights: z
    .string()
    .min(1)
    .describe('The ClipCap checkpoint: a state dict as .pt or .safetensors')
    .meta({ placeholder: 'FILE' }),
  languageModel: z
    .string()
    .min(1)
    .describe(
      'The GPT-2 that it was trained from, a folder or a name on the hub: its tokenizer, and its weights where the file has none',
    )
    .meta({ placeholder: 'MODEL' }),
  out: z.string().min(1).describe('Folder to write').meta({ placeholder: 'FOLDER' }),
  mapperHeads: mapperConfig.shape.mapperHeads
    .unwrap()
    .default(8)
    .describe('Attention heads of a Transformer mapper, which the file does not tell'),
  normalizePrefix: mapperConfig.shape.normalizePrefix
    .unwrap()
    .default(false)
    .describe('The checkpoint was trained with --normalize_prefix, as the published Transformer was'),
  encoder: z
    .string()
    .min(1)
    .optional()
    .describe('CLIP whose embeddings it was trained on, to be recorded')
    .meta({ placeholder: 'MODEL' }),
  dtype: z.enum(storedDtypes).default('float32').describe('How to store the weights'),
  overwrite: z.boolean().default(false).describe('Replace a captioner that the folder holds'),
});
export type ImportConfig = z.output<typeof schema>;

export const importCommand = defineCommand({
  name: 'import',
  summary: 'Turns a published ClipCap checkpoint into a captioner folder',
  examples: [
    'captrain import --weights coco_weights.pt --language-model openai-community/gpt2 --encoder openai/clip-vit-base-patch32 --out captioner',
    'captrain import --weights transformer_weights.pt --language-model openai-community/gpt2 --normalize-prefix --out captioner',
  ],
  schema,
  run: async (config, { signal }) =>
    (await import('../import/import-weights.js')).importWeights(config, signal),
});
