import type { RunConfig } from '@captrain/model/run';

/** Whether the steps from `before` to `step` come to a multiple of `every`, 0 being never. */
export function passes(every: number, before: number, step: number): boolean {
  return every > 0 && Math.floor(step / every) > Math.floor(before / every);
}

/**
 * Whether the config has a checkpoint after `step` of `steps` steps, `before` of which were done before it, or before its
 * round of local steps. Others are made where a run is interrupted, or could not be saved when it should have been.
 */
export function isCheckpointDue(
  { checkpointEvery }: Pick<RunConfig, 'checkpointEvery'>,
  { before, step, steps }: { before: number; step: number; steps: number },
): boolean {
  return step === steps || passes(checkpointEvery, before, step);
}
