import { finerCut, microbatchesAt, partsOf, stepPlan, totalSteps } from '@captrain/data/order';
import { type Checkpoint, exchangedPerParameter, trainingPart } from '@captrain/model/run';
import { UserError } from '@captrain/runtime';
import { chooseCut } from './choose-cut.js';
import { commitStep } from './commit-step.js';
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
  const { record, crew, checkpoints, runLog, board, patience } = run;
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

  let loggedAt = performance.now();
  let startedAt = performance.now();
  let skippedInARow = 0;
  for (;;) {
    if (step >= steps || signal.aborted) {
      await saveAndSettle(run, step);
      if (!run.replicas.isAstray) break;
      // The last steps are worth nothing.
      step = await recover(run);
      continue;
    }
    patience.check();
    if (checkpoints.isOverdue) await save(run, step);
    if (crew.active.length > 0 && crew.active.every(({ isLeaving }) => isLeaving))
      await saveAndSettle(run, step);
    await admitAndRelease(run, step);
    if (crew.active.length === 0) {
      const assembled = await assemble(run, 1, { isOrphaned: true, signal });
      if (assembled === undefined) continue;
      step = assembled;
      checkpoints.moveTo(step);
      startedAt = performance.now();
      continue;
    }
    board.set({
      state: 'RUN_STATE_TRAINING',
      parameters: run.layout!.parameters,
      generation: crew.generation,
    });
    const batch: GlobalBatch = new GlobalBatch(planAfter(record.config, run.captions, step, steps));
    const vectorLength = exchangedPerParameter(record.config) * run.layout!.parameters;
    const stepRun = new StepRun(run, batch, vectorLength);
    const end = await stepRun.toEnd();
    if (end.kind === 'deserted') continue;
    if (end.kind === 'outOfMemory') await cutFiner(run, batch, end.member);
    else if (end.kind === 'astray') step = await recover(run);
    else {
      const seconds = (performance.now() - startedAt) / 1000;
      startedAt = performance.now();
      const { finite, times } = end;
      const done = { batch, generation: stepRun.finalGeneration, finite, times, seconds };
      const { isSkipped, isDue } = commitStep(run, done, { steps });
      step = batch.step;
      checkpoints.moveTo(step);
      skippedInARow = isSkipped ? skippedInARow + 1 : 0;
      if (skippedInARow >= run.skipLimit) throw await notFinite(run, batch.step);
      if (isDue) await save(run, step);
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

/** Batches are cut finer from a step on, which the run's config keeps. Throws where a single caption does not fit. */
async function cutFiner({ record, log }: Run, batch: GlobalBatch, member: { name: string }): Promise<void> {
  const finer = finerCut(record.config.batchSize, batch.cut, partsOf(record.config));
  if (finer === undefined) throw doesNotFit(member.name, batch.step);
  log.warn(
    { worker: member.name, step: batch.step, microbatches: finer },
    'out of memory: smaller microbatches',
  );
  await record.cutFrom(batch.step, finer);
}

/** A step that no cut makes fit. */
function doesNotFit(name: string, step: number): UserError {
  return new UserError(
    `A microbatch of one caption does not fit into the memory of ${name} at step ${step}; take --checkpoint-activations, fewer --max-caption-tokens or a smaller language model.`,
  );
}

/** Begins a checkpoint of the state that the workers hold. */
async function save({ record, captions, dataDigest, checkpoints, board }: Run, step: number): Promise<void> {
  const { config } = record;
  const microbatches = microbatchesAt(config, step + 1);
  const next = stepPlan(captions, { batchSize: config.batchSize, microbatches }, step);
  board.set({ state: 'RUN_STATE_CHECKPOINTING' });
  await checkpoints.begin({
    format: 1,
    step,
    epoch: next.epoch,
    position: next.start,
    config: trainingPart(config),
    data: dataDigest,
  });
}

/** Sees to it that the present step's state is in the store, as long as somebody holds it and nobody holds another. */
async function saveAndSettle(run: Run, step: number): Promise<void> {
  const { checkpoints, crew, patience, replicas } = run;
  await checkpoints.settle();
  while (step > checkpoints.latestStep && crew.active.length > 0 && !replicas.isAstray) {
    await save(run, step);
    await checkpoints.settle();
    await patience.pause();
  }
}

async function notFinite({ checkpoints, store, skipLimit }: Run, step: number): Promise<UserError> {
  await checkpoints.settle();
  const { newest } = checkpoints;
  const good = newest === undefined ? 'the start' : `${store.uri}/${newest.folder}`;
  return new UserError(
    `The gradients of ${skipLimit} steps in a row, up to step ${step}, were not finite; lower --learning-rate, and go on from ${good}.`,
  );
}
