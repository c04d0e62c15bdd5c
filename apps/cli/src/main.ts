#!/usr/bin/env node
import { runCommands } from '@captrain/runtime';
import { commands } from './commands.js';
import { version } from './version.js';

await runCommands({
  name: 'captrain',
  version,
  summary: 'Trains image captioners of the ClipCap kind on many machines.',
  commands,
});
