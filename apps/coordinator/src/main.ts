#!/usr/bin/env node
import { coordinatorConfig } from '@captrain/model/run';
import { createLogger, defineCommand, endWithParent, packageVersion, runCommand } from '@captrain/runtime';
import { coordinate } from './coordinate.js';

const command = defineCommand({
  name: 'captrain-coordinator',
  summary:
    'Coordinate a training run: share its steps among workers, average their gradients, keep checkpoints',
  examples: [
    'captrain-coordinator --data s3://coco/embeddings --language-model gpt2 --run s3://coco/runs/1 --workers 8 --host 0.0.0.0',
    'captrain-coordinator --run s3://coco/runs/1 --resume --workers 16 --host 0.0.0.0',
  ],
  schema: coordinatorConfig,
  run: (config, { signal, given }) =>
    coordinate(config, {
      givenKeys: given,
      signal,
      log: createLogger('coordinator'),
      // The first line of standard output is for whoever started this program.
      announce: (announcement) => process.stdout.write(`${JSON.stringify(announcement)}\n`),
    }),
});

endWithParent();
await runCommand(command, packageVersion(import.meta.url));
