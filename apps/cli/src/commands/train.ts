import { availableParallelism } from 'node:os';
import { openStore, readManifest } from '@captrain/data';
import { findModel } from '@captrain/model/hub';
import { coordinatorConfig, launchKeys } from '@captrain/model/run';
import { defineCommand } from '@captrain/runtime';
import { z } from 'zod';
import { closingWords, runLocally } from '../train/local-run.js';

const schema = z.strictObject({
  ...coordinatorConfig.shape,
  port: coordinatorConfig.shape.port.unwrap().default(0).describe('port of the coordinator; 0: any free one'),
  workers: coordinatorConfig.shape.workers
    .unwrap()
    .default(1)
    .describe('worker processes to start on this machine'),
});

export const train = defineCommand({
  name: 'train',
  summary: 'Train a captioner on this machine: a coordinator and N workers, as processes',
  examples: [
    'captrain train --data ./embeddings --language-model openai-community/gpt2 --run ./runs/mlp --workers 2',
    'captrain train --data ./embeddings --language-model ./gpt2 --freeze-language-model --mapper transformer --run ./runs/frozen',
    'captrain train --run ./runs/mlp --resume --workers 4',
  ],
  schema,
  run: async (config, { signal, given }) => {
    const started = performance.now();
    const flags = Object.fromEntries(
      Object.entries(config).filter(([key]) => given.has(key) || launchKeys.has(key)),
    );
    // Matrix products over a long inner dimension (the vocabulary) round differently on another number of threads. So
    // the default must not depend on the number of workers, though several then share the processors.
    if (!config.resume && config.threads === 0) flags['threads'] = availableParallelism();
    if (!config.resume && config.languageModel !== undefined) {
      // Data that are not there are told before a model is fetched for them.
      if (config.data !== undefined) await readManifest(await openStore(config.data));
      flags['languageModel'] = (await findModel(config.languageModel, { signal })).pinned;
    }
    const end = await runLocally(flags, config.workers, signal);
    const seconds = (performance.now() - started) / 1000;
    for (const line of closingWords(config.run, end, seconds)) process.stdout.write(`${line}\n`);
  },
});
