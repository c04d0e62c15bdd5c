import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '@captrain/data';
import { startEngine } from '@captrain/engine';
import { readSafetensors } from '@captrain/model';
import { exchangedPerParameter, findCheckpoint, namesOfKind } from '@captrain/model/run';
import { colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';
import { demoTraining, embedScenes } from './demo-task.js';
import { documentationImages, writePlot } from './plots/write-plot.js';
import { trainRun } from './train-run.js';
import { validationLoss } from './validation-loss.js';

/** What is trained, each by its flags: the plain mean is the outer update of rate 1 without momentum. */
const plainMean = ['--outer-learning-rate', '1', '--outer-momentum', '0'];
const settings = [
  { name: 'synchronous', localSteps: 1, flags: [] },
  { name: '8 local steps', localSteps: 8, flags: [] },
  { name: '8, plain mean', localSteps: 8, flags: plainMean },
  { name: '32 local steps', localSteps: 32, flags: [] },
  { name: '32, plain mean', localSteps: 32, flags: plainMean },
];

/** Steps between two points of a curve: rounds of every length end there. */
const WINDOW = 32;

/** What a setting came to, at every `WINDOW` steps. */
interface Curve {
  name: string;
  points: {
    step: number;
    /** Mean over the steps since the point before, as the workers saw it: of islands, within their rounds. */
    training: number;
    /** Of the weights after this step. */
    validation: number;
  }[];
  /** That a worker sends for each step, and receives as well. */
  bytesPerStep: number;
}

async function measure(
  run: string,
  { name, localSteps, flags: own }: (typeof settings)[number],
  flags: readonly string[],
  signal: AbortSignal,
): Promise<Curve> {
  const checkpoints = ['--checkpoint-every', String(WINDOW), '--keep-checkpoints', '0'];
  const metrics = await trainRun(
    run,
    [...demoTraining, '--local-steps', String(localSteps), ...own, ...flags, ...checkpoints],
    signal,
  );
  const points: Curve['points'] = [];
  for (let step = WINDOW; step <= metrics.at(-1)!.step; step += WINDOW) {
    const since = metrics.filter((line) => line.step > step - WINDOW && line.step <= step);
    const training = since.reduce((sum, { loss }) => sum + loss, 0) / since.length;
    points.push({ step, training, validation: await validationLoss(run, 'val', step) });
  }
  const bytes = 4 * (await parametersOf(run)) * exchangedPerParameter({ localSteps });
  return { name, points, bytesPerStep: bytes / localSteps };
}

/** Trained values of a run's model. */
async function parametersOf(run: string): Promise<number> {
  const { folder, manifest } = await findCheckpoint(await openStore(run), 'latest');
  return namesOfKind('model', manifest.files)
    .flatMap((name) => [...readSafetensors(path.join(run, folder, name)).tensors.values()])
    .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

function tableOf(curves: readonly Curve[]): string {
  const steps = curves[0]!.points.map(({ step }) => step);
  const rows = (title: string, pick: (point: Curve['points'][number]) => number) =>
    steps.map((step, i) => [
      `${title}, step ${step}`,
      ...curves.map(({ points }) => pick(points[i]!).toFixed(4)),
    ]);
  return formatTable(
    [
      ['', ...curves.map(({ name }) => name)].map(colors.bold),
      ...rows('validation loss', ({ validation }) => validation),
      ...rows('training loss', ({ training }) => training),
      ['MB sent for a step', ...curves.map(({ bytesPerStep }) => (bytesPerStep / 1e6).toFixed(2))],
    ],
    `l${'r'.repeat(curves.length)}`,
  );
}

function draw(curves: readonly Curve[], folder: string): void {
  const steps = curves[0]!.points.map(({ step }) => step);
  writePlot(folder, 'local-steps', {
    title: 'Validation loss by steps, with local steps and without',
    xLabel: 'step, of 40 captions',
    yLabel: 'nats a caption token',
    yFromLeast: true,
    xTicks: steps.filter((_, i) => i % 2 === 1).map((x) => ({ x })),
    lines: curves.map(({ name, points, bytesPerStep }) => ({
      title: `${name}: ${(bytesPerStep / 1e6).toFixed(1)} MB a step`,
      points: points.map(({ step, validation }) => ({ x: step, y: validation })),
    })),
  });
}

export const localStepsBench = defineCommand({
  name: 'local-steps',
  summary: 'The loss by steps with local steps and without, and the bytes of a step; draws the curves',
  examples: ['npm run bench -- local-steps', 'npm run bench -- local-steps --steps 512'],
  schema: z.strictObject({
    steps: z
      .int()
      .min(WINDOW)
      .multipleOf(WINDOW)
      .default(256)
      .describe('steps of a run, of 40 captions each'),
    plots: z
      .string()
      .default(documentationImages)
      .describe('folder to draw the curves into')
      .meta({ placeholder: 'FOLDER' }),
    data: z
      .string()
      .min(1)
      .optional()
      .describe("embeddings with splits train and val; the demo's scenes unless given"),
  }),
  run: async ({ steps, plots, data }, { signal }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-bench-'));
    try {
      const embeddings = data ?? (await embedScenes(folder, signal));
      await startEngine({ device: 'cpu' });
      const flags = ['--data', embeddings, '--microbatches', '4', '--seed', '1', '--steps', String(steps)];
      const curves: Curve[] = [];
      for (const setting of settings) {
        const run = path.join(folder, 'run');
        curves.push(await measure(run, setting, flags, signal));
        await rm(run, { recursive: true });
      }
      console.log(tableOf(curves));
      draw(curves, plots);
      console.log(`Curves: ${path.join(plots, 'local-steps.svg')}`);
      console.log(JSON.stringify({ bench: 'local-steps', steps, curves }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});
