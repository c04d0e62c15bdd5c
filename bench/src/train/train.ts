import { mkdtemp, rm } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import path from 'node:path';
import { LiveView, colors, defineCommand } from '@captrain/runtime';
import { z } from 'zod';
import { sharedData } from '../parity/context.js';
import { documentationImages, writePlot } from '../plots/write-plot.js';
import { pythonInterpreter } from '../python.js';
import { comparisons, rateOf, variantFigures } from './figures.js';
import { lossChart } from './loss-chart.js';
import { buildMklWorkaround } from './mkl-workaround.js';
import { ownKinds } from './own-step.js';
import { goalsTable, rounded, sidesTable } from './report.js';
import { type SideKind, groupsOf } from './sides.js';
import { writeTrainLanguageModel } from './task.js';
import { type VariantRunOptions, runVariant } from './variant-run.js';
import { type TrainVariant, trainVariants } from './variants.js';

const LOSS_STEPS = 30;
const LEAST_OF_A_CURVE = 20;

const count = (least: number) => z.number().int().min(least);

export const train = defineCommand({
  name: 'train',
  summary:
    'Training steps of GPT-2 small beside the reference and tuned PyTorch, batch 40, Flickr8k’s captions',
  examples: [
    'npm run bench -- train',
    'npm run bench -- train --quick',
    'npm run bench -- train --quick --loss-steps 30',
    'npm run bench -- train --variant mlp --steps 9',
  ],
  schema: z.strictObject({
    quick: z
      .boolean()
      .default(false)
      .describe('captrain alone, prefixes shared, few steps: no PyTorch and no ratios'),
    variant: z.enum(['mlp', 'transformer', 'both']).default('both').describe('what is trained'),
    steps: count(1).default(5).describe('steps that are timed; the result is their median'),
    warmUp: count(1).default(2).describe('steps before them'),
    lossSteps: count(0)
      .optional()
      .describe('steps after which losses are compared; 0: as many as are timed (30; with --quick 0)'),
    plots: z
      .string()
      .default(documentationImages)
      .describe('folder to draw the loss curves into, where there are 20 steps of them')
      .meta({ placeholder: 'FOLDER' }),
    compileSeconds: count(0).default(120).describe('what torch.compile may take; 0: only eager PyTorch'),
    mklWorkaround: z
      .boolean()
      .default(false)
      .describe('run tuned PyTorch with MKL’s fast paths on processors that are not Intel’s (needs gcc)'),
    data: z
      .string()
      .default(sharedData)
      .describe('folder of real captions (flickr8k/captions.txt)')
      .meta({ placeholder: 'FOLDER' }),
  }),
  run: async ({ quick, variant, mklWorkaround, plots, ...options }, { signal }) => {
    const interpreter = quick ? undefined : await pythonInterpreter(signal);
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-train-'));
    const view = new LiveView({});
    try {
      const progress = (text: string) => view.update(text);
      progress('a random GPT-2 small');
      const languageModel = await writeTrainLanguageModel(folder);
      const preload = mklWorkaround && !quick ? await buildMklWorkaround(folder) : undefined;
      const variants = (Object.keys(trainVariants) as TrainVariant[]).filter(
        (each) => variant === 'both' || each === variant,
      );
      const { steps, warmUp } = quick ? { steps: 3, warmUp: 1 } : options;
      const lossSteps = options.lossSteps ?? (quick ? 0 : LOSS_STEPS);
      const results: Record<string, object> = {};
      for (const each of variants)
        results[each] = await measure(each, plots, {
          ...{ ...options, steps, warmUp, lossSteps: lossSteps || warmUp + steps },
          ...(interpreter !== undefined && { interpreter }),
          ...(preload !== undefined && { preload }),
          ...{ folder, languageModel, progress, signal },
        });
      view.close();
      console.log(JSON.stringify({ bench: 'train', ...(quick && { quick }), ...results }));
    } finally {
      view.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
});

/** Runs one variant, prints its tables, and returns what the JSON line says of it. */
async function measure(variant: TrainVariant, plots: string, options: VariantRunOptions): Promise<object> {
  const { interpreter, lossSteps } = options;
  const quick = interpreter === undefined;
  const curves = lossSteps >= LEAST_OF_A_CURVE;
  const kinds: SideKind[][] = quick
    ? ownKinds.filter(({ sharedPrefix }) => sharedPrefix).map((kind) => [{ who: 'own', ...kind }])
    : groupsOf(variant, freemem());
  const { groups, counted } = await runVariant(variant, kinds, options);
  console.log(colors.bold(trainVariants[variant].title));
  console.log(`${sidesTable(groups, counted, lossSteps)}\n`);
  if (curves) writePlot(plots, `loss-${variant}`, lossChart(trainVariants[variant].title, groups.flat()));
  if (quick) return quickFigures();
  const figures = variantFigures(groups, counted, { lossSteps });
  const shared = ownKinds.some(({ sharedPrefix }) => sharedPrefix);
  const separate = shared ? variantFigures(groups, counted, { lossSteps, sharedPrefix: false }) : undefined;
  console.log(`${goalsTable(figures, separate)}\n`);
  return rounded(figures);

  function quickFigures(): object {
    const sides = comparisons(groups, counted).map(({ own, mfu }) => ({
      ...own.kind,
      who: undefined,
      captions_per_second: Number(rateOf(own, counted).toPrecision(4)),
      mfu: Number(mfu.toPrecision(4)),
    }));
    return { sides };
  }
}
