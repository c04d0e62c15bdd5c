import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import {
  LiveView,
  UserError,
  colors,
  defineCommand,
  formatDuration,
  formatTable,
  suggestion,
} from '@captrain/runtime';
import { z } from 'zod';
import { pythonInterpreter, runPeer } from '../python.js';
import { clip } from './clip.js';
import { type ParityGroup, sharedData } from './context.js';
import { decoding } from './decoding.js';
import { exported } from './export.js';
import { golden } from './golden.js';
import { gpt2 } from './gpt2.js';
import { gradients } from './gradients.js';
import { mappers } from './mappers.js';
import { pictures } from './pictures.js';
import type { ParityRow } from './row.js';
import { tokenizers } from './tokenizers.js';
import { training } from './training.js';

const groups: readonly ParityGroup[] = [
  golden,
  tokenizers,
  gpt2,
  clip,
  pictures,
  mappers,
  decoding,
  exported,
  gradients,
  training,
];

export const parity = defineCommand({
  name: 'parity',
  summary: 'Compares captrain with PyTorch, transformers and open_clip, on random weights of full size',
  examples: [
    'npm run parity',
    'npm run parity -- --only gpt2,gradients',
    'npm run parity -- --only golden --golden',
  ],
  schema: z.strictObject({
    only: z
      .string()
      .optional()
      .describe(`parts of the suite, with commas between them: ${groups.map(({ name }) => name).join(', ')}`)
      .meta({ placeholder: 'NAMES' }),
    data: z
      .string()
      .default(sharedData)
      .describe('folder of real pictures and captions')
      .meta({ placeholder: 'FOLDER' }),
    golden: z
      .boolean()
      .default(false)
      .describe('also write what the tests compare with: libs/model/src/golden/golden.json'),
  }),
  run: async ({ only, data, golden }, { signal }) => {
    const chosen = chooseGroups(only);
    const interpreter = await pythonInterpreter(signal);
    await startEngine({ device: 'cpu' });
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-parity-'));
    try {
      const rows: ParityRow[] = [];
      for (const group of chosen)
        rows.push(...(await runGroup(group, { interpreter, folder, data, golden, signal })));
      report(rows);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

function chooseGroups(only: string | undefined): readonly ParityGroup[] {
  if (only === undefined) return groups;
  const names = groups.map(({ name }) => name);
  return only.split(',').map((name) => {
    const group = groups.find((each) => each.name === name.trim());
    if (group !== undefined) return group;
    throw new UserError(`the suite has no part ${name}: ${suggestion(name, names)}`);
  });
}

async function runGroup(
  group: ParityGroup,
  options: { interpreter: string; folder: string; data: string; golden: boolean; signal: AbortSignal },
): Promise<ParityRow[]> {
  const { interpreter, data, golden, signal } = options;
  const folder = path.join(options.folder, group.name);
  await mkdir(folder, { recursive: true });
  const view = new LiveView({});
  const started = performance.now();
  const progress = (text: string) => {
    const elapsed = formatDuration((performance.now() - started) / 1000);
    view.update(`${colors.bold(group.name)} ${text} (${elapsed})`, `${group.name}: ${text}`);
  };
  const peer = (script: string, ...args: string[]) =>
    runPeer(interpreter, path.join('parity', script), args, { signal, onLine: progress });
  try {
    return await group.run({ folder, data, golden, peer, progress, signal });
  } finally {
    view.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The table, and as the last line the JSON object. Throws where a row failed. */
function report(rows: readonly ParityRow[]): void {
  const head = ['', 'what', 'limit', 'measured'].map(colors.bold);
  const cells = rows.map(({ what, limit, measured, passed }) => [
    passed ? colors.green('✓') : colors.red('✗'),
    what,
    String(limit),
    Number.isInteger(measured) || measured > 0.1
      ? String(Number(measured.toFixed(6)))
      : measured.toExponential(1),
  ]);
  console.log(formatTable([head, ...cells], 'llrr'));
  const failed = rows.filter(({ passed }) => !passed);
  const result = rows.map(({ what, limit, measured }) => ({ what, limit, measured }));
  console.log(JSON.stringify({ parity: failed.length === 0 ? 'passed' : 'failed', rows: result }));
  if (failed.length > 0) process.exitCode = 1;
}
