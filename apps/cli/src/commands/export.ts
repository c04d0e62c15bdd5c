import { storedDtypes } from '@captrain/model/config';
import { defineCommand } from '@captrain/runtime';
import { z } from 'zod';
import { checkpointOption } from '../checkpoint-option.js';

const schema = z.strictObject({
  run: z
    .string()
    .min(1)
    .describe("The trained run's folder, or s3://bucket/prefix")
    .meta({ placeholder: 'URI' }),
  out: z.string().min(1).describe('Folder to write').meta({ placeholder: 'FOLDER' }),
  checkpoint: checkpointOption,
  dtype: z.enum(storedDtypes).default('float32').describe('How to store the weights'),
  scores: z
    .array(z.string())
    .default([])
    .describe('Scores for the model card: JSON that captrain evaluate --out wrote, separated by commas')
    .meta({ placeholder: 'FILE,…' }),
  languageModel: z
    .string()
    .min(1)
    .optional()
    .describe("The run's language model, if it was moved: a folder, or a name on the hub")
    .meta({ placeholder: 'MODEL' }),
  overwrite: z.boolean().default(false).describe('Replace a captioner that the folder holds'),
});
export type ExportConfig = z.output<typeof schema>;

export const exportCommand = defineCommand({
  name: 'export',
  summary:
    'Writes a trained captioner as a folder: safetensors under the names of PyTorch, tokenizer, model card',
  examples: [
    'captrain export --run runs/mlp --out captioner',
    'captrain export --run s3://runs/mlp --checkpoint 20000 --dtype float16 --out captioner',
    'captrain export --run runs/mlp --scores val.json,test.json --out captioner --overwrite',
  ],
  schema,
  run: async (config, { signal }) => (await import('../export/export-run.js')).exportRun(config, signal),
});
