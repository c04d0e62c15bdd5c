#!/usr/bin/env node
import { createLogger, defineCommand, endWithParent, packageVersion, runCommand } from '@captrain/runtime';
import { z } from 'zod';
import { SentAway } from './sent-away.js';
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
    peerHost: z
      .string()
      .min(1)
      .optional()
      .describe(
        "address to listen on for the run's other workers; all of this machine's unless given, or loopback's alone where the coordinator is there",
      ),
    patience: z
      .number()
      .positive()
      .default(60)
      .describe('seconds to wait for a coordinator that does not answer when this worker starts'),
    reconnect: z
      .number()
      .min(0)
      .default(600)
      .describe("seconds to keep the run's state and ask for a coordinator that went away"),
  }),
  run: async (
    { coordinator, name = defaultName(), peerHost = peerHostFor(coordinator), ...times },
    { signal },
  ) => {
    const log = createLogger('worker');
    try {
      const reason = await work({ coordinator, name, peerHost, ...times, signal, log });
      log.info({ reason }, 'stopped');
    } catch (error) {
      if (!(error instanceof SentAway)) throw error;
      // A failure that whoever supervises this program sees, in a sentence for people; starting it again mends nothing.
      process.stderr.write(`captrain: ${error.message}\n`);
      process.exitCode = 1;
    }
  },
});

/** Workers of other machines are to reach this one, unless the coordinator is on this one alone. */
function peerHostFor(coordinator: string): string {
  const host = coordinator.slice(0, coordinator.lastIndexOf(':'));
  if (host.includes('::')) return host === '[::1]' ? '::1' : '::';
  return /^(localhost|127\..*)$/.test(host) ? '127.0.0.1' : '0.0.0.0';
}

endWithParent();
await runCommand(command, packageVersion(import.meta.url));
