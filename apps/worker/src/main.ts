#!/usr/bin/env node
import { credentials } from '@grpc/grpc-js';
import { TrainingClient, channelOptions } from '@captrain/protos';
import {
  UserError,
  createLogger,
  defineCommand,
  endWithParent,
  packageVersion,
  runCommand,
} from '@captrain/runtime';
import { z } from 'zod';
import { defaultName, work } from './work.js';

const command = defineCommand({
  name: 'captrain-worker',
  summary: "Compute for a training run: this process's share of every step",
  examples: [
    'captrain-worker --coordinator 10.0.0.5:50051',
    'captrain-worker --coordinator coordinator:50051 --patience 600',
  ],
  schema: z.strictObject({
    coordinator: z
      .string()
      .regex(/^.+:\d+$/, 'must be HOST:PORT')
      .describe('HOST:PORT of the coordinator'),
    name: z
      .string()
      .min(1)
      .optional()
      .describe('how the status calls this worker; host name and process id unless given'),
    deviceWorkers: z
      .number()
      .int()
      .min(1)
      .default(1)
      .describe("workers that share this one's memory (a GPU's, or the machine's), for --microbatches auto"),
    patience: z
      .number()
      .positive()
      .default(60)
      .describe('seconds to wait for a coordinator that does not answer'),
  }),
  run: async ({ coordinator, name, deviceWorkers, patience }, { signal }) => {
    const client = new TrainingClient(coordinator, credentials.createInsecure(), channelOptions);
    const log = createLogger('worker');
    await new Promise<void>((resolve, reject) => {
      const give = () =>
        reject(
          new UserError(
            `No coordinator answers at ${coordinator}; start it, or name another with --coordinator.`,
          ),
        );
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      client.waitForReady(Date.now() + patience * 1000, (error) => (error ? give() : resolve()));
    });
    try {
      const options = { address: coordinator, name: name ?? defaultName(), deviceWorkers, signal, log };
      const reason = await work(client, options);
      log.info({ reason }, 'stopped');
    } finally {
      client.close();
    }
  },
});

endWithParent();
await runCommand(command, packageVersion(import.meta.url));
