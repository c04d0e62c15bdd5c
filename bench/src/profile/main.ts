#!/usr/bin/env node
import { runCommands } from '@captrain/runtime';

await runCommands({
  name: 'profile',
  version: '0.1.0',
  summary: 'Where the time goes: npm run profile -- NAME',
  commands: [
    {
      name: 'train',
      summary: "A training step's time by stage, by op, and as a trace for Perfetto",
      load: async () => (await import('./train.js')).train,
    },
  ],
});
