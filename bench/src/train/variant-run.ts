import path from 'node:path';
import { formatBytes, formatDuration } from '@captrain/runtime';
import type { Counted } from './figures.js';
import { type SideFigures, runGroup } from './run-group.js';
import { type SideKind, startKind } from './sides.js';
import { type TrainTask, writeTrainTask } from './task.js';
import { usefulFlops } from './useful-flops.js';
import type { TrainVariant } from './variants.js';

export interface VariantRunOptions {
  folder: string;
  languageModel: string;
  data: string;
  /** Absent where no PyTorch side runs. */
  interpreter?: string;
  /** A library that tuned PyTorch is started with. */
  preload?: string;
  compileSeconds: number;
  warmUp: number;
  steps: number;
  lossSteps: number;
  progress: (text: string) => void;
  signal: AbortSignal;
}

/** Runs the groups of one variant, one after the other, all on the same task. */
export async function runVariant(
  variant: TrainVariant,
  groups: readonly (readonly SideKind[])[],
  options: VariantRunOptions,
): Promise<{ groups: SideFigures[][]; counted: Counted }> {
  const { warmUp, steps, lossSteps, progress, signal } = options;
  const folder = path.join(options.folder, variant);
  const batches = Math.max(warmUp + steps, lossSteps);
  const { languageModel, data } = options;
  const task = await writeTrainTask(folder, { variant, languageModel, data, batches, totalSteps: batches });
  const started = performance.now();
  const figures: SideFigures[][] = [];
  for (const [index, kinds] of groups.entries()) {
    const plan = { warmUp, steps, lossSteps, referenceLoss: index === 0 };
    figures.push(
      await runGroup(kinds, plan, {
        start: (kind) => startKind(kind, { ...options, folder, timed: [warmUp, warmUp + steps] }),
        progress: (text) =>
          progress(
            `${variant}, group ${index + 1} of ${groups.length}: ${text} ` +
              `(${formatDuration((performance.now() - started) / 1000)})`,
          ),
        signal,
      }),
    );
    const resident = figures.at(-1)!.reduce((sum, { peakBytes }) => sum + peakBytes, 0);
    progress(`${variant}, group ${index + 1}: at most ${formatBytes(resident)} resident together`);
  }
  return { groups: figures, counted: countedOf(variant, task, { warmUp, steps }) };
}

function countedOf(
  variant: TrainVariant,
  { batches }: TrainTask,
  { warmUp, steps }: { warmUp: number; steps: number },
): Counted {
  return {
    warmUp,
    steps,
    captions: (step) => batches[step]!.captions.length,
    usefulFlops: (step, sharedPrefix) => usefulFlops(variant, batches[step]!, sharedPrefix),
  };
}
