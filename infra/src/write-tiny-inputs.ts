#!/usr/bin/env node
import { defineCommand, runCommand } from '@captrain/runtime';
import { z } from 'zod';
import { writeTinyInputs } from './tiny-inputs.js';

const command = defineCommand({
  name: 'write-tiny-inputs',
  summary: 'Writes embeddings/ and gpt2/ of a run whose steps take milliseconds',
  examples: ['node infra/dist/write-tiny-inputs.js /tmp/tiny'],
  schema: z.strictObject({}),
  arguments: { name: 'FOLDER', description: 'where to write', required: true },
  run: async (_, { arguments: [folder] }) => {
    process.stdout.write(`${JSON.stringify(await writeTinyInputs(folder!))}\n`);
  },
});

await runCommand(command, '0.1.0');
