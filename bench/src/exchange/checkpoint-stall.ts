import path from 'node:path';
import { median } from '../median.js';
import { type StepMetrics, trainRun } from '../train-run.js';
import type { RunInputs } from './real-run.js';

const EVERY = 6;
const STEPS = 4 * EVERY;

/** Steps at the beginning, and the first checkpoint, meet memory for the first time. */
const WARM_UP = EVERY + 1;

export interface StallFigures {
  /** Seconds that workers could not compute for a checkpoint, of a step without one. */
  stall: number;
  /** What the checkpoints' writing beside the steps costs them in all, of a step: the processors are shared. */
  slowdown: number;
}

/** Two workers in a run with checkpoints, and in one without. */
export async function checkpointStall(
  { folder, flags }: RunInputs,
  signal: AbortSignal,
): Promise<StallFigures> {
  const launch = ['--workers', '2', '--steps', String(STEPS), ...flags];
  const metricsOf = async (every: number) => {
    const run = path.join(folder, `checkpoints-${every}`);
    return (await trainRun(run, [...launch, '--checkpoint-every', String(every)], signal)).slice(WARM_UP);
  };
  const plain = await metricsOf(0);
  const saved = await metricsOf(EVERY);
  const step = median(plain.map(({ seconds }) => seconds));
  const mean = (steps: readonly StepMetrics[]) =>
    steps.reduce((sum, { seconds }) => sum + seconds, 0) / steps.length;
  // The last step's checkpoint is waited for after it: no step's.
  const stalls = saved.flatMap((each) => each.checkpoint_stall_seconds ?? []);
  return {
    stall: median(stalls) / step,
    slowdown: (EVERY * (mean(saved) - mean(plain))) / step,
  };
}
