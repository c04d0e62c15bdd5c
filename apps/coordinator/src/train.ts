import { totalSteps } from '@captrain/data/order';
import { type Checkpoint, exchangedPerParameter } from '@captrain/model/run';
import { UserError } from '@captrain/runtime';
import { save, saveAndSettle, saveIfMissed } from './checkpoints/save.js';
import { chooseCut } from './choose-cut.js';
import { commitStep } from './commit-step.js';
import { cutFiner } from './cut-finer.js';
import { admitAndRelease, assemble } from './membership/assemble.js';
import { recover } from './membership/recover.js';
import type { Run } from './run.js';
import { planAfter } from './step/batch-plan.js';
import { GlobalBatch } from './step/global-batch.js';
import { StepRun } from './step/step-run.js';

/** How often metrics.jsonl is written. */
const LOG_EVERY_MS = 5000;

/**
 * Trains to the last step, or until `signal` is aborted, with whatever workers there are; either way the newest step ends
 * in a checkpoint, which is returned. `needed`: workers to wait for before the first step.
 */
export async function train(run: Run, needed: number, signal: AbortSignal): Promise<Checkpoint | undefined> {
  const { record, crew, checkpoints, replicas, runLog, board, patience } = run;
  const steps = totalSteps(run.captions, record.config);
  let step = await assemble(run, needed, { isOrphaned: false, signal });
  if (step === undefined) return checkpoints.known();
  if (!record.isSettled) {
    const microbatches = await chooseCut(run, signal);
    if (microbatches === undefined) return checkpoints.known();
    await record.settle(microbatches);
    run.log.info({ microbatches }, 'microbatches chosen');
  }
  run.hasStarted = true;
  checkpoints.moveTo(step);
  await saveIfMissed(run, step);

  let loggedAt = performance.now();
  let startedAt = performance.now();
  let skippedInARow = 0;
  while (!(await isDone(run, { step, steps, signal }))) {
    patience.check();
    if (replicas.isAstray) {
      step = await recover(run);
      continue;
    }
    if (checkpoints.isOverdue) startedAt += 1000 * (await save(run, step));
    if (crew.active.length > 0 && crew.active.every(({ isLeaving }) => isLeaving))
      await saveAndSettle(run, step);
    await admitAndRelease(run, step);
    if (crew.active.length === 0) {
      const assembled = await assemble(run, 1, { isOrphaned: true, signal });
      if (assembled === undefined) continue;
      step = assembled;
      checkpoints.moveTo(step);
      await saveIfMissed(run, step);
      startedAt = performance.now();
      continue;
    }
    if (step === steps) continue;
    board.set({
      state: 'RUN_STATE_TRAINING',
      parameters: run.layout!.parameters,
      generation: crew.generation,
    });
    const batch: GlobalBatch = new GlobalBatch(planAfter(record.config, run.captions, step, steps));
    if (run.reduction.isCollective && crew.active.length > 1) await record.sumCollectivelyFrom(step + 1);
    const vectorLength = exchangedPerParameter(record.config) * run.layout!.parameters;
    const stepRun = new StepRun(run, batch, vectorLength);
    const end = await stepRun.toEnd();
    if (end.kind === 'deserted') continue;
    if (end.kind === 'outOfMemory') await cutFiner(run, batch, end.member);
    else if (end.kind === 'astray') step = await recover(run);
    else if (end.kind === 'unsummable') throw await unsummable(run, step, end.reason);
    else {
      const seconds = (performance.now() - startedAt) / 1000;
      startedAt = performance.now();
      const { finite, times } = end;
      const done = { batch, generation: stepRun.finalGeneration, finite, times, seconds };
      const { isSkipped, isDue } = commitStep(run, done, { steps });
      step = batch.step;
      run.lastValidation = undefined;
      checkpoints.moveTo(step);
      skippedInARow = isSkipped ? skippedInARow + 1 : 0;
      if (skippedInARow >= run.skipLimit) throw await notFinite(run, batch.step);
      // What a step takes is told without it.
      if (isDue) startedAt += 1000 * (await save(run, step));
    }
    if (performance.now() - loggedAt > LOG_EVERY_MS) {
      runLog.writeInBackground();
      loggedAt = performance.now();
    }
  }
  await runLog.close();
  await run.store.sweep();
  return checkpoints.known();
}

/**
 * Whether there is nothing more to do: the newest state is saved after the last step, or wherever the run is told to end;
 * or it is told to end, and nobody holds that state. Where replicas differ, the last steps are worth nothing.
 */
async function isDone(
  run: Run,
  { step, steps, signal }: { step: number; steps: number; signal: AbortSignal },
): Promise<boolean> {
  if (step < steps && !signal.aborted) return false;
  if (await saveAndSettle(run, step)) return true;
  return signal.aborted && !run.replicas.isAstray;
}

/** Saves what there is, and says so. */
async function unsummable(run: Run, step: number, reason: string): Promise<UserError> {
  await saveAndSettle(run, step);
  return new UserError(
    `The collective sum of the gradients after step ${step} fails again and again (${reason}); mend that, or go on with --resume --reduce workers.`,
  );
}

async function notFinite({ checkpoints, store, skipLimit }: Run, step: number): Promise<UserError> {
  await checkpoints.settle();
  const { newest } = checkpoints;
  const good = newest === undefined ? 'the start' : `${store.uri}/${newest.folder}`;
  return new UserError(
    `The gradients of ${skipLimit} steps in a row, up to step ${step}, were not finite; lower --learning-rate, and go on from ${good}.`,
  );
}
