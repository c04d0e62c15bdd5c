import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import path from 'node:path';
import { UserError, colors, defineCommand, formatBytes, formatTable } from '@captrain/runtime';
import { z } from 'zod';
import type { LoadFigures } from './load-child.js';
import { median } from './median.js';
import { pythonInterpreter, runPeer } from './python.js';
import { GPT2_SMALL, GPT2_XL, writeRandomGpt2 } from './random-gpt2.js';

const SECONDS_LIMIT = 3;
const MEMORY_LIMIT = 1.3;

/** One load in a process of its own, so that the resident memory before it is an empty one's. */
async function loadOnce(folder: string, forward: boolean, signal: AbortSignal): Promise<LoadFigures> {
  const child = path.join(import.meta.dirname, 'load-child.js');
  const args = [child, folder, ...(forward ? ['forward'] : [])];
  const loading = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let printed = '';
  loading.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = (await once(loading, 'close')) as [number | null];
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`loading ${folder} ended with exit code ${code}`);
  return JSON.parse(printed) as LoadFigures;
}

export const load = defineCommand({
  name: 'load',
  summary: 'Time and memory to load GPT-2 small, beside Python, and GPT-2 XL with one frozen forward',
  examples: ['npm run bench -- load', 'npm run bench -- load --no-xl --repetitions 9'],
  schema: z.strictObject({
    repetitions: z.number().int().min(1).default(5).describe('loads of GPT-2 small on either side'),
    xl: z.boolean().default(true).describe('also load GPT-2 XL: 6.3 GB on disk and in memory'),
  }),
  run: async ({ repetitions, xl }, { signal }) => {
    if (xl && freemem() < 9e9)
      throw new UserError(
        `${formatBytes(freemem())} of memory are free and GPT-2 XL takes 9 GB; add --no-xl.`,
      );
    const interpreter = await pythonInterpreter(signal);
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-load-'));
    try {
      const small = await compareSmall(path.join(folder, 'small'), { interpreter, repetitions, signal });
      const large = xl ? await loadXl(path.join(folder, 'xl'), signal) : {};
      console.log(JSON.stringify({ bench: 'load', ...small, ...large }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

async function compareSmall(
  folder: string,
  { interpreter, repetitions, signal }: { interpreter: string; repetitions: number; signal: AbortSignal },
) {
  const bytes = writeRandomGpt2(folder, GPT2_SMALL);
  const ours: LoadFigures[] = [];
  const theirs: LoadFigures[] = [];
  // The first pair warms the disk's cache.
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    const own = await loadOnce(folder, false, signal);
    const [line] = (await runPeer(interpreter, 'load.py', [folder], { signal })).slice(-1);
    if (repetition === 0) continue;
    ours.push(own);
    theirs.push(JSON.parse(line!) as LoadFigures);
  }
  const seconds = (all: LoadFigures[]) => median(all.map((each) => each.seconds));
  const memory = (all: LoadFigures[]) => median(all.map((each) => each.raisedBytes)) / bytes;
  const ratio = median(ours.map((each, index) => each.seconds / theirs[index]!.seconds));
  const rows = [
    ['GPT-2 small', 'seconds', 'memory / float32 size'].map(colors.bold),
    ['captrain', seconds(ours).toFixed(2), memory(ours).toFixed(2)],
    ['transformers', seconds(theirs).toFixed(2), memory(theirs).toFixed(2)],
    ['limit', String(SECONDS_LIMIT), String(MEMORY_LIMIT)],
  ];
  console.log(formatTable(rows, 'lrr'));
  const passed = seconds(ours) < SECONDS_LIMIT && memory(ours) <= MEMORY_LIMIT;
  if (!passed) process.exitCode = 1;
  return {
    small_seconds: round(seconds(ours)),
    small_memory: round(memory(ours)),
    ratio_python: round(ratio),
  };
}

async function loadXl(folder: string, signal: AbortSignal) {
  const bytes = writeRandomGpt2(folder, GPT2_XL);
  const { seconds, forwardSeconds, peakBytes } = await loadOnce(folder, true, signal);
  console.log(
    `GPT-2 XL (${formatBytes(bytes)}): loaded in ${seconds.toFixed(1)} s, one frozen forward in ` +
      `${forwardSeconds!.toFixed(1)} s, ${formatBytes(peakBytes)} resident at most`,
  );
  return {
    xl_seconds: round(seconds),
    xl_forward_seconds: round(forwardSeconds!),
    xl_peak_gb: round(peakBytes / 1e9),
  };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
