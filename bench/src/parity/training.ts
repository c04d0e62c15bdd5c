import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AdamW } from '@captrain/model';
import { learningRateAt, optimizerConfig } from '@captrain/model/config';
import type { ParityContext, ParityGroup } from './context.js';
import { type ParityRow, atMost } from './row.js';
import {
  captionBatch,
  type StepTask,
  type Variant,
  variants,
  writeStepTask,
  overVariants,
} from './step-task.js';

const STEPS = 100;

/** The loss of a hundred steps with warm-up, beside the reference's step. */
export const training: ParityGroup = {
  name: 'training',
  run: overVariants(compare),
};

async function compare(
  context: ParityContext,
  variant: Variant,
  languageModel: string,
): Promise<ParityRow[]> {
  const { title } = variants[variant];
  const task = await writeStepTask(context, { variant, languageModel, batches: STEPS });
  context.progress(`${STEPS} steps, ${title}: captrain`);
  const ours = await train(task, context);
  task.captioner.close();
  context.progress(`${STEPS} steps, ${title}: PyTorch`);
  await context.peer('step.py', context.folder, 'train');
  const theirs = JSON.parse(readFileSync(path.join(context.folder, 'losses.json'), 'utf8')) as number[];
  const differences = theirs.map((loss, step) => Math.abs(ours[step]! - loss) / loss);
  const fall = `${theirs[0]!.toFixed(3)} → ${theirs.at(-1)!.toFixed(3)}`;
  return [
    atMost(
      `${title}: loss of ${STEPS} AdamW steps (${fall}), relative, worst`,
      1e-3,
      Math.max(...differences),
    ),
  ];
}

async function train(task: StepTask, context: ParityContext): Promise<number[]> {
  const { captioner, batches, learningRate, warmup } = task;
  const config = optimizerConfig.parse({ learningRate, warmupSteps: warmup });
  const optimizer = new AdamW(captioner.variables, config);
  const losses: number[] = [];
  const buffer = new Float32Array(captioner.layout.length);
  for (const [step, batch] of batches.entries()) {
    const { lossSum, captionTokens } = captioner.gradient(captionBatch(task, batch), { into: buffer });
    optimizer.apply(buffer, {
      scale: 1 / captionTokens,
      learningRate: learningRateAt(config, step, batches.length),
    });
    losses.push(lossSum / captionTokens);
    context.progress(`step ${step + 1} of ${batches.length}: loss ${losses.at(-1)!.toFixed(4)}`);
    await new Promise(setImmediate);
    context.signal.throwIfAborted();
  }
  optimizer.close();
  return losses;
}
