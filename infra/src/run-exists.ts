#!/usr/bin/env node
import { openStore } from '@captrain/data';
import { defineCommand, runCommand } from '@captrain/runtime';
import { z } from 'zod';

/** Ends with 0 where the run's folder holds a run, with 3 where it does not, with 2 where it cannot be asked. */
const command = defineCommand({
  name: 'run-exists',
  summary: 'Says whether there is a run to resume',
  examples: ['node infra/dist/run-exists.js s3://bucket/runs/1'],
  schema: z.strictObject({}),
  arguments: { name: 'RUN', description: "the run's folder, or s3://bucket/prefix", required: true },
  run: async (_, { arguments: [run] }) => {
    const store = await openStore(run!);
    if ((await store.stat('config.json')) === undefined) process.exitCode = 3;
  },
});

await runCommand(command, '0.1.0');
