import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { perfettoTrace, startEngine } from '@captrain/engine';
import { engineConfig } from '@captrain/engine/config';
import { precisionConfig } from '@captrain/model';
import { UserError, defineCommand, messageOf } from '@captrain/runtime';
import { z } from 'zod';
import { sharedData } from '../parity/context.js';
import { compiledStep } from './compiled-step.js';
import { fullSizeStep } from './full-size-step.js';
import { profileSteps } from './profile-steps.js';
import { reportOf, tablesOf } from './report.js';

export const train = defineCommand({
  name: 'train',
  summary: "Where a training step's time goes: by stage, by op, and as a trace for Perfetto (GPT-2 small)",
  examples: ['npm run profile -- train', 'npm run profile -- train --variant transformer --trace step.json'],
  schema: z.strictObject({
    variant: z
      .enum(['mlp', 'transformer'])
      .default('mlp')
      .describe('mlp: GPT-2 is trained with the mapper; transformer: it is frozen'),
    ...precisionConfig.shape,
    shared: z
      .boolean()
      .default(true)
      .describe("whether an image's five captions share its prefix, eight images a step"),
    steps: z.number().int().min(1).default(3).describe('steps to profile'),
    top: z.number().int().min(1).default(20).describe('rows of the table of ops'),
    shapes: z
      .boolean()
      .default(false)
      .describe('tell ops of a compiled function apart by the shapes of their inputs'),
    data: z
      .string()
      .default(sharedData)
      .describe('folder of real captions (flickr8k/captions.txt)')
      .meta({ placeholder: 'FOLDER' }),
    trace: z
      .string()
      .default('captrain-profile.json')
      .describe('where to write the trace')
      .meta({ placeholder: 'FILE' }),
    ...engineConfig.shape,
  }),
  run: async (options, { signal }) => {
    const { variant, precision, shared, data, steps, top, shapes, trace, ...engine } = options;
    refuseUnwritable(trace);
    await startEngine(engine);
    const { captioner, batch } = await fullSizeStep({ variant, precision, shared, data });
    const captions = batch.tokens.length;
    const step = compiledStep(captioner, batch);
    const prefixes = shared ? '' : ', prefixes not shared';
    const title = `${variant}, ${precision}, ${captions} captions${prefixes}, ${step.title}`;
    const profiles = profileSteps(step, steps, signal);
    step.close();
    captioner.close();

    const report = reportOf(profiles.steps, { byShape: shapes });
    console.log(`${title}: mean of ${steps} ${steps === 1 ? 'step' : 'steps'}\n`);
    console.log(tablesOf(report, top));
    console.log(
      "\nThe head's products for the gradient are counted as backward; they run in the forward pass.",
    );
    const { profiledMs, plainMs } = profiles;
    console.log(
      `A step takes ${profiledMs.toFixed(0)} ms with the profile, ${plainMs.toFixed(0)} ms without.`,
    );
    const ops = profiles.steps.flatMap((each) => each.ops);
    const marks = profiles.steps.flatMap((each) => each.marks);
    writeFileSync(trace, JSON.stringify(perfettoTrace(ops, marks, title)));
    console.log(`Trace of ${ops.length} ops: ${path.resolve(trace)}. Open it on https://ui.perfetto.dev.`);
    const rounded = (ms: number) => Number(ms.toFixed(2));
    console.log(
      JSON.stringify({
        profile: 'train',
        ...{ variant, precision, shared, captions, steps },
        ...{ step_ms: rounded(profiledMs), plain_step_ms: rounded(plainMs), idle_ms: rounded(report.idleMs) },
        stages: Object.fromEntries(
          report.stages.map(({ stage, opsUs, idleUs }) => [stage, rounded((opsUs + idleUs) / 1000)]),
        ),
        ops: Object.fromEntries(report.ops.map(({ op, wallMs }) => [op, rounded(wallMs)])),
      }),
    );
  },
});

/** Throws a UserError where the trace could not be written: said before a minute's work. */
function refuseUnwritable(trace: string): void {
  try {
    closeSync(openSync(trace, 'a'));
  } catch (error) {
    throw new UserError(`cannot write ${trace} (${messageOf(error)}); name another file by --trace.`, {
      cause: error,
    });
  }
}
