import { LiveView, UserError, defineCommand } from '@captrain/runtime';
import { z } from 'zod';
import { StatusConnection } from '../status-connection.js';
import { statusLine, statusLines } from '../status-view.js';

export const status = defineCommand({
  name: 'status',
  summary: 'Asks a coordinator how its run goes',
  examples: [
    'captrain status --coordinator localhost:4600',
    'captrain status --coordinator node01:4600 --watch',
    'captrain status --coordinator node01:4600 --json',
  ],
  schema: z.strictObject({
    coordinator: z
      .string()
      .regex(/^(\[.+\]|[^:\s]+):\d{1,5}$/, 'must be HOST:PORT')
      .describe('Address of the coordinator')
      .meta({ placeholder: 'HOST:PORT' }),
    watch: z.boolean().default(false).describe('Stay and show every change until the run ends'),
    json: z.boolean().default(false).describe('Print JSON; with --watch one line for every change'),
  }),
  run: async ({ coordinator, watch, json }, { signal }) => {
    const connection = new StatusConnection(coordinator);
    const view = new LiveView({ stream: process.stdout });
    try {
      if (!watch) {
        const now = await connection.get(signal);
        console.log(json ? JSON.stringify(now, null, 2) : statusLines(now).join('\n'));
        return;
      }
      for await (const now of connection.watch(signal)) {
        if (json) console.log(JSON.stringify(now));
        else view.update(statusLines(now), statusLine(now));
        if (now.state === 'RUN_STATE_FAILED') throw new UserError(`The run failed: ${now.message}`);
      }
    } finally {
      view.close();
      connection.close();
    }
  },
});
