import { mkdtemp, rm } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import path from 'node:path';
import { requireBfloat16, startEngine } from '@captrain/engine';
import { engineConfig } from '@captrain/engine/config';
import { type Precision, Tokenizer } from '@captrain/model';
import { LiveView, UserError, colors, defineCommand } from '@captrain/runtime';
import { z } from 'zod';
import { flickr8kCaptions } from '../parity/captions.js';
import { sharedData } from '../parity/context.js';
import { writeVocabulary } from '../parity/language-model.js';
import { documentationImages } from '../plots/write-plot.js';
import { measureAll } from './measure.js';
import { type Setting, measurements } from './measurements.js';
import { drawGrowth, growthFigures, growthTables } from './report.js';

/** What a step of GPT-2 medium takes at its highest, rounded up. */
const MEDIUM_BYTES = 10e9;

export const growth = defineCommand({
  name: 'growth',
  summary: 'Captions a second by batch size, caption length, model size and mapper layers; draws the plots',
  examples: ['npm run bench -- growth', 'npm run bench -- growth --quick'],
  schema: z.strictObject({
    quick: z.boolean().default(false).describe('few points of one step, and no plots'),
    steps: z.number().int().min(1).default(3).describe('steps that are timed; the result is their median'),
    plots: z
      .string()
      .default(documentationImages)
      .describe('folder to draw the plots into')
      .meta({ placeholder: 'FOLDER' }),
    data: z
      .string()
      .default(sharedData)
      .describe('folder of real captions (flickr8k/captions.txt)')
      .meta({ placeholder: 'FOLDER' }),
    ...engineConfig.shape,
  }),
  run: async ({ quick, steps, plots, data, ...engine }, { signal }) => {
    await startEngine(engine);
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-growth-'));
    const view = new LiveView({});
    try {
      await writeVocabulary(folder);
      const tokenizer = await Tokenizer.load(folder);
      const tokens = flickr8kCaptions(data).map((caption) => tokenizer.encode(caption));
      const points = measurements({ precisions: precisions(), quick });
      const progress = (done: number, all: number) => view.update(`${done} of ${all} points`);
      const measured = await measureAll(points, {
        ...{ folder, tokens, fits, progress, signal },
        steps: quick ? 1 : steps,
      });
      view.close();
      console.log(growthTables(measured));
      if (!quick) {
        drawGrowth(measured, plots);
        console.log(`Plots: ${path.join(plots, 'growth-*.svg')}`);
      }
      console.log(JSON.stringify({ bench: 'growth', ...(quick && { quick }), ...growthFigures(measured) }));
    } finally {
      view.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
});

/** Those that this machine has. */
function precisions(): Precision[] {
  try {
    requireBfloat16();
    return ['float32', 'bfloat16'];
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    console.log(thrown.message);
    return ['float32'];
  }
}

/** Whether the memory that is free now is enough; says so where it is not. */
function fits({ size, precision }: Setting): boolean {
  if (size !== 'medium' || freemem() >= MEDIUM_BYTES) return true;
  console.log(colors.bold(`There is too little memory for GPT-2 medium in ${precision}: it is left out.`));
  return false;
}
