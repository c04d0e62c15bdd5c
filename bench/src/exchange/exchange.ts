import { freemem } from 'node:os';
import { LiveView, UserError, defineCommand, formatBytes } from '@captrain/runtime';
import { z } from 'zod';
import { pythonInterpreter } from '../python.js';
import { compare } from './comparison.js';
import { constantsFile, writeConstants } from './constants.js';
import { figuresOf } from './figures.js';
import { fitConstants } from './fit-constants.js';
import { kernelSpeeds } from './kernel-speeds.js';
import { checkProxy } from './proxy-check.js';
import { measureRealRuns } from './real-run.js';
import { comparisonTable, goalsReached, goalsTable, rounded, sizesTable } from './report.js';
import { type Size, measureSize } from './sizes.js';

/** Of GPT-2 small with the MLP mapper. */
const PARAMETERS = 155_908_608;
const QUICK_VALUES = 8 << 20;

/** Milliseconds in one direction. */
const DELAY = 1;

export const exchange = defineCommand({
  name: 'exchange',
  summary:
    'The exchange of a gradient of 155.9 M values on loopback: beside gloo’s all-reduce, with a delay, by number of workers',
  examples: ['npm run bench -- exchange', 'npm run bench -- exchange --quick'],
  schema: z.strictObject({
    quick: z.boolean().default(false).describe(`a gradient of ${QUICK_VALUES} values, and few rounds`),
    rounds: z
      .int()
      .min(1)
      .default(7)
      .describe('exchanges of each kind of two workers; the result is their median'),
    sizes: z.array(z.int().min(2)).default([2, 4, 8]).describe('numbers of workers; each holds a gradient'),
    programs: z
      .boolean()
      .default(true)
      .describe('also run coordinator and workers: what a checkpoint stalls, and how long a failover takes'),
    constants: z
      .string()
      .default(constantsFile)
      .describe('what is written for bench -- scaling; with --quick nothing is')
      .meta({ placeholder: 'FILE' }),
  }),
  run: async ({ quick, sizes: numbers, programs, constants, ...options }, { signal }) => {
    const values = quick ? QUICK_VALUES : PARAMETERS;
    const rounds = quick ? Math.min(3, options.rounds) : options.rounds;
    // Two that share memory have another gradient's worth each.
    requireMemory((Math.max(4, ...numbers) + 1) * values * 4);
    const interpreter = await pythonInterpreter(signal);
    const view = new LiveView({});
    const progress = (text: string) => view.update(text);
    try {
      const proxy = await checkProxy({ bytes: quick ? 2e8 : 2e9, delay: DELAY }, signal);
      const comparison = await compare({ interpreter, values, rounds, delay: DELAY, progress, signal });
      const sizes: Size[] = [];
      for (const workers of numbers)
        sizes.push(await measureSize(workers, { values, rounds: Math.min(3, rounds), progress, signal }));
      const real = programs ? await measureRealRuns({ quick, progress, signal }) : {};
      const figures = figuresOf(comparison, sizes, values, real);
      view.close();
      console.log(`${comparisonTable(comparison, proxy)}\n`);
      console.log(`${sizesTable(sizes)}\n`);
      console.log(`${goalsTable(figures)}\n`);
      if (!quick) {
        writeConstants(constants, fitConstants(sizes, values, await kernelSpeeds('float32', 5)));
        if (!goalsReached(figures)) process.exitCode = 1;
      }
      console.log(JSON.stringify({ bench: 'exchange', ...(quick && { quick }), ...rounded(figures) }));
    } finally {
      view.close();
    }
  },
});

function requireMemory(bytes: number): void {
  if (freemem() < bytes)
    throw new UserError(
      `${formatBytes(freemem())} of memory are free and the workers take ${formatBytes(bytes)}; use fewer --sizes.`,
    );
}
