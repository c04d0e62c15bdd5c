import { readFileSync } from 'node:fs';
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
  const logFile = path.join(folder, 'checkpoints.log');
  const launch = ['--workers', '2', '--steps', String(STEPS), ...flags];
  const metricsOf = async (every: number, log: { logFile?: string }) => {
    const run = path.join(folder, `checkpoints-${every}`);
    const metrics = await trainRun(run, [...launch, '--checkpoint-every', String(every)], signal, log);
    return metrics.slice(WARM_UP);
  };
  const plain = await metricsOf(0, {});
  const saved = await metricsOf(EVERY, { logFile });
  const step = median(plain.map(({ seconds }) => seconds));
  const mean = (steps: readonly StepMetrics[]) =>
    steps.reduce((sum, { seconds }) => sum + seconds, 0) / steps.length;
  return {
    stall: median(stallsIn(logFile).slice(1)) / step,
    slowdown: (EVERY * (mean(saved) - mean(plain))) / step,
  };
}

/** Seconds that each checkpoint of a run kept its workers from computing, as the coordinator logs them. */
function stallsIn(logFile: string): number[] {
  const lines = readFileSync(logFile, 'utf8').split('\n').filter(Boolean);
  return lines.flatMap((line) => {
    const { msg, stall_seconds } = JSON.parse(line) as { msg: string; stall_seconds?: number };
    return msg === 'checkpoint committed' && stall_seconds !== undefined ? [stall_seconds] : [];
  });
}
