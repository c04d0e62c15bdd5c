import { engineConfig } from '@captrain/engine/config';
import { trainingConfig } from '@captrain/model/run';
import { UserError, colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';
import { runChecks } from '../doctor/checks.js';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Checks this machine: Node, engine, devices, threads, cache, storage; or says what a model is',
  examples: [
    'captrain doctor',
    'captrain doctor --device gpu',
    'captrain doctor --storage s3://bucket/embeddings',
    'captrain doctor --model openai-community/gpt2',
    'captrain doctor --json',
  ],
  schema: z.strictObject({
    ...engineConfig.shape,
    storage: z
      .string()
      .min(1)
      .optional()
      .describe('A folder or s3://bucket/prefix to reach')
      .meta({ placeholder: 'URI' }),
    model: z
      .string()
      .min(1)
      .optional()
      .describe('A model to look at, instead of the machine: what it is, its size, the memory to train it')
      .meta({ placeholder: 'MODEL' }),
    batchSize: trainingConfig.shape.batchSize.describe(
      'Captions of a batch, for the memory to train --model',
    ),
    microbatches: trainingConfig.shape.microbatches.describe(
      'Parts of a batch, for the memory to train --model',
    ),
    localSteps: trainingConfig.shape.localSteps.describe(
      'Local steps of a round (captrain train --local-steps), for the memory to train --model',
    ),
    islands: trainingConfig.shape.islands.describe('With local steps: islands that share a batch'),
    json: z.boolean().default(false).describe('Print JSON instead of a table'),
  }),
  run: async (
    { json, storage, model, batchSize, microbatches, localSteps, islands, ...engine },
    { signal },
  ) => {
    if (model !== undefined) {
      return (await import('../doctor/examine-model.js')).examineModel(model, {
        engine,
        batch: { batchSize, microbatches, localSteps, islands },
        json,
        signal,
      });
    }
    const checks = await runChecks(engine, storage);
    if (json) console.log(JSON.stringify(checks, null, 2));
    else {
      const rows = checks.map(({ name, ok, finding }) => [
        ok ? colors.green('✓') : colors.red('✗'),
        colors.bold(name),
        finding,
      ]);
      console.log(formatTable(rows));
    }
    const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name);
    if (failed.length > 0) throw new UserError(`Not in order: ${failed.join(', ')}; see above`);
  },
});
