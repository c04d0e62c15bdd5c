import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';
import { demoTraining, embedScenes } from './demo-task.js';
import { median } from './median.js';
import { type StepMetrics, trainRun } from './train-run.js';
import { validationLoss } from './validation-loss.js';

const orders = ['captions', 'images'] as const;

/** Steps that a shown loss is the mean of. */
const WINDOW = 20;

/** What an order came to, as means over the seeds. */
interface OrderResult {
  order: (typeof orders)[number];
  /** The mean training loss of the `WINDOW` steps up to each. */
  losses: { step: number; loss: number }[];
  /** Of the last checkpoint, per seed and their mean. */
  validation: number[];
  validationLoss: number;
  captionsPerSecond: number;
}

function resultOf(
  order: OrderResult['order'],
  runs: readonly StepMetrics[][],
  validation: number[],
): OrderResult {
  const losses: OrderResult['losses'] = [];
  for (let end = WINDOW; end <= runs[0]!.length; end += WINDOW) {
    const windows = runs.flatMap((metrics) => metrics.slice(end - WINDOW, end));
    losses.push({ step: end, loss: mean(windows.map(({ loss }) => loss)) });
  }
  const rates = runs.flatMap((metrics) =>
    metrics.slice(WINDOW).map(({ captions, seconds }) => captions / seconds),
  );
  return {
    order,
    losses,
    validation,
    validationLoss: mean(validation),
    captionsPerSecond: median(rates),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export const order = defineCommand({
  name: 'order',
  summary: "The loss by steps where batches are mixed of captions, and where they keep an image's together",
  examples: ['npm run bench -- order', 'npm run bench -- order --steps 400 --seeds 5'],
  schema: z.strictObject({
    steps: z.int().min(WINDOW).default(200).describe('steps of a run, of 40 captions each'),
    seeds: z.int().min(1).default(2).describe('runs of each order, with seeds 1, 2, …'),
    data: z
      .string()
      .min(1)
      .optional()
      .describe("embeddings with splits train and val; the demo's scenes unless given"),
  }),
  run: async ({ steps, seeds, data }, { signal }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-bench-'));
    try {
      const embeddings = data ?? (await embedScenes(folder, signal));
      await startEngine({ device: 'cpu' });
      const results: OrderResult[] = [];
      for (const order of orders) {
        const runs: StepMetrics[][] = [];
        const validation: number[] = [];
        for (let seed = 1; seed <= seeds; seed++) {
          const run = path.join(folder, `${order}-${seed}`);
          const flags = [
            ...['--data', embeddings, '--microbatches', '2'],
            ...['--order', order, '--seed', String(seed), '--steps', String(steps), '--workers', '1'],
          ];
          runs.push(await trainRun(run, [...demoTraining, ...flags], signal));
          validation.push(await validationLoss(run, 'val'));
        }
        results.push(resultOf(order, runs, validation));
      }
      const shown = results[0]!.losses.map(({ step }, i) => [
        `training loss, steps ${step - WINDOW + 1} to ${step}`,
        ...results.map(({ losses }) => losses[i]!.loss.toFixed(4)),
      ]);
      const rows = [
        ['', ...orders.map((order) => `order ${order}`)].map(colors.bold),
        ...shown,
        ['validation loss at the end', ...results.map(({ validationLoss }) => validationLoss.toFixed(4))],
        ['captions/s', ...results.map(({ captionsPerSecond }) => captionsPerSecond.toFixed(1))],
      ];
      console.log(formatTable(rows, 'lrr'));
      console.log(`Means over ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}; MLP mapper and GPT-2 trained`);
      console.log(JSON.stringify({ bench: 'order', steps, seeds, results }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});
