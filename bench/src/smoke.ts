import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';
import { writeInputs } from './generated-inputs.js';
import { median } from './median.js';
import { type StepMetrics, trainRun } from './train-run.js';

const WARM_UP = 5;

/** Steps after the warm-up, as rates. */
function ratesOf(metrics: readonly StepMetrics[]) {
  const steps = metrics.slice(WARM_UP);
  const sum = (pick: (step: StepMetrics) => number) => steps.reduce((total, step) => total + pick(step), 0);
  return {
    captionsPerSecond: sum(({ captions }) => captions) / sum(({ seconds }) => seconds),
    stepMs: 1000 * median(steps.map(({ seconds }) => seconds)),
    inputMs: 1000 * median(steps.map(({ input_seconds }) => input_seconds)),
    exchangeMs: 1000 * median(steps.map(({ exchange_seconds }) => exchange_seconds)),
    loss: metrics.at(-1)!.loss,
  };
}

export const smoke = defineCommand({
  name: 'smoke',
  summary:
    'A short training run end to end, on generated embeddings with a small GPT-2: coordinator and two workers',
  examples: ['npm run bench -- smoke', 'npm run bench -- smoke --steps 100 --repetitions 5'],
  schema: z.strictObject({
    steps: z
      .number()
      .int()
      .min(WARM_UP + 1)
      .default(30)
      .describe(`steps of a run, ${WARM_UP} of them warm-up`),
    repetitions: z.number().int().min(1).default(3).describe('runs; the result is their median'),
    workers: z.number().int().min(1).default(2).describe('worker processes'),
  }),
  run: async ({ steps, repetitions, workers }, { signal }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-bench-'));
    try {
      const { data, languageModel } = await writeInputs(folder, { images: 200, width: 128, layers: 4 });
      const flags = [
        ...['--data', data, '--language-model', languageModel, '--workers', String(workers)],
        ...[
          '--batch-size',
          '40',
          '--microbatches',
          '4',
          '--steps',
          String(steps),
          '--max-caption-tokens',
          '80',
        ],
      ];
      const rows: ReturnType<typeof ratesOf>[] = [];
      for (let i = 0; i < repetitions; i++) {
        rows.push(ratesOf(await trainRun(path.join(folder, `run-${i}`), flags, signal)));
      }
      const cells = rows.map((row, i) => [
        String(i + 1),
        row.captionsPerSecond.toFixed(1),
        row.stepMs.toFixed(0),
        row.inputMs.toFixed(1),
        row.exchangeMs.toFixed(0),
        row.loss.toFixed(4),
      ]);
      const head = ['run', 'captions/s', 'ms a step', 'waiting for input', 'exchange', 'last loss'].map(
        colors.bold,
      );
      console.log(formatTable([head, ...cells], 'rrrrrr'));
      console.log(
        `MLP mapper and GPT-2 (4 layers, width 128) trained, batch 40, ${workers} workers, float32`,
      );
      const result = median(rows.map(({ captionsPerSecond }) => captionsPerSecond));
      console.log(JSON.stringify({ bench: 'smoke', captions_per_second: Number(result.toFixed(2)) }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});
