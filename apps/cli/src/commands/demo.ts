import { defineCommand } from '@captrain/runtime';
import { z } from 'zod';

export const demo = defineCommand({
  name: 'demo',
  summary:
    'Everything on generated scenes, in minutes, without network: embed, train, caption, evaluate, report',
  examples: ['captrain demo', 'captrain demo --out my-demo --seed 2 --workers 4'],
  schema: z.strictObject({
    out: z
      .string()
      .min(1)
      .default('demo-output')
      .describe("Folder for everything the demo writes; an earlier demo's is replaced")
      .meta({ placeholder: 'DIR' }),
    seed: z.int().min(0).default(1).describe('Seed of the scenes, the new weights and the sample order'),
    workers: z.int().min(1).default(2).describe('Worker processes'),
    scenes: z.int().min(1).default(2200).describe('Scenes to train on'),
    heldOut: z.int().min(1).default(300).describe('Scenes to be judged on, of combinations never trained on'),
    steps: z.int().min(1).optional().describe("Training steps of both variants, instead of the demo's own"),
  }),
  run: async (config, { signal }) => (await import('../demo/index.js')).runDemo(config, signal),
});
