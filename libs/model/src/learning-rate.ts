import type { OptimizerConfig } from './config.js';

/**
 * The learning rate of one optimizer step, counted from 0: a linear rise from 0 over `warmupSteps`, then linear
 * decay to 0 at `totalSteps`, or constant. The same as transformers' `get_linear_schedule_with_warmup` and
 * `get_constant_schedule_with_warmup`, whose very first step has learning rate 0.
 */
export function learningRateAt(
  config: Pick<OptimizerConfig, 'learningRate' | 'warmupSteps' | 'schedule'>,
  step: number,
  totalSteps: number,
): number {
  const { learningRate, warmupSteps, schedule } = config;
  if (step < warmupSteps) return (learningRate * step) / warmupSteps;
  if (schedule === 'constant') return learningRate;
  return learningRate * Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
}
