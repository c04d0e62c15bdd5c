import path from 'node:path';
import { maxAbsDifference, relativeL2 } from './compare.js';
import { type ParityContext, type ParityGroup, tensorOf } from './context.js';
import { type ParityRow, atMost } from './row.js';
import { captionBatch, type Variant, variants, writeStepTask, overVariants } from './step-task.js';

/** Loss and gradients of the ClipCap loss, for every trainable parameter. */
export const gradients: ParityGroup = {
  name: 'gradients',
  run: overVariants(compare),
};

async function compare(
  context: ParityContext,
  variant: Variant,
  languageModel: string,
): Promise<ParityRow[]> {
  const { title } = variants[variant];
  context.progress(`gradients, ${title}`);
  const task = await writeStepTask(context, { variant, languageModel, batches: 1 });
  await context.peer('step.py', context.folder, 'gradients');
  const { captioner } = task;
  const { lossSum, captionTokens, gradients } = captioner.gradient(captionBatch(task, task.batches[0]!));
  const file = path.join(context.folder, 'gradients.safetensors');
  let worst = { name: '', difference: 0 };
  for (const { name, offset, length } of captioner.layout.entries) {
    const mean = gradients.subarray(offset, offset + length).map((value) => value / captionTokens);
    const difference = relativeL2(mean, tensorOf(file, name));
    if (!(difference <= worst.difference)) worst = { name, difference };
  }
  const count = captioner.layout.entries.length;
  captioner.close();
  const loss = Float32Array.of(lossSum / captionTokens);
  return [
    atMost(`${title}: loss, abs`, 1e-4, maxAbsDifference(loss, tensorOf(file, 'loss'))),
    atMost(`${title}: ${count} gradients, relative L2, worst (${worst.name})`, 1e-4, worst.difference),
  ];
}
