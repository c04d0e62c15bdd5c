import path from 'node:path';
import { defineCommand, runCommands } from '@captrain/runtime';
import { z } from 'zod';

const models = path.join(import.meta.dirname, '../../../assets/demo');

const schema = z.strictObject({
  seed: z.int().min(0).default(1).describe('Seed of weights, scenes and batches'),
  steps: z.int().min(1).optional().describe("Training steps, instead of the recipe's"),
  threads: z.int().min(0).default(0).describe('Threads of TensorFlow; 0 takes one for each processor'),
  out: z.string().default(models).describe('Folder that gets the folders clip and gpt2'),
});

/** Makes the demo's own small models. Each in a process of its own: `pretrain clip`, `pretrain gpt2`. */
await runCommands({
  name: 'pretrain',
  version: '1',
  summary: "Trains the demo's small CLIP and GPT-2.",
  commands: [
    {
      name: 'clip',
      summary: 'Train the small CLIP by its contrastive loss',
      load: async () =>
        defineCommand({
          name: 'clip',
          summary: 'Train the small CLIP by its contrastive loss',
          examples: ['pretrain clip --seed 1'],
          schema,
          run: async ({ out, ...options }) =>
            (await import('./clip.js')).pretrainClip(path.join(out, 'clip'), options),
        }),
    },
    {
      name: 'gpt2',
      summary: 'Train the small GPT-2 as a language model',
      load: async () =>
        defineCommand({
          name: 'gpt2',
          summary: 'Train the small GPT-2 as a language model',
          examples: ['pretrain gpt2 --seed 1'],
          schema,
          run: async ({ out, ...options }) =>
            (await import('./gpt2.js')).pretrainGpt2(path.join(out, 'gpt2'), options),
        }),
    },
  ],
});
