import { microbatchesAt, roundStart, stepPlan, totalSteps } from '@captrain/data/order';
import { trainingPart } from '@captrain/model/run';
import type { Run } from '../run.js';
import { validate } from '../validation/validate.js';
import { isCheckpointDue } from './due.js';

/**
 * Begins a checkpoint of the state that the workers hold. One that the config asks for is validated, while its files are
 * being written; one that is made of necessity is not, so that nobody who has to go is held up. Returns how long that took,
 * in seconds.
 */
export async function save(run: Run, step: number): Promise<number> {
  const { record, captions, dataDigest, checkpoints, board } = run;
  const { config } = record;
  const microbatches = microbatchesAt(config, step + 1);
  const next = stepPlan(captions, { batchSize: config.batchSize, microbatches }, step);
  board.set({ state: 'RUN_STATE_CHECKPOINTING' });
  const before = roundStart(config.localSteps, step);
  const steps = totalSteps(captions, config);
  const awaitsValidation =
    run.validationChoice !== undefined && isCheckpointDue(config, { before, step, steps });
  const outline = {
    format: 1 as const,
    step,
    epoch: next.epoch,
    position: next.start,
    config: trainingPart(config),
    data: dataDigest,
  };
  await checkpoints.begin(outline, { awaitsValidation });
  if (!awaitsValidation || !checkpoints.isUnderWay(step)) return 0;
  const started = performance.now();
  const end = await validate(run, step);
  if (end.kind === 'astray') checkpoints.abandon(step);
  else if (end.kind === 'deserted') checkpoints.giveUp(step);
  else checkpoints.validated(step, end.validation);
  return (performance.now() - started) / 1000;
}

/**
 * Has the checkpoint made that the config asks for after this step, where workers hold its state and it was not finished:
 * their coordinator was killed over it, while they validated it, say.
 */
export async function saveIfMissed(run: Run, step: number): Promise<void> {
  const { record, captions, checkpoints, crew } = run;
  if (crew.active.length === 0 || step <= checkpoints.latestStep) return;
  const before = roundStart(record.config.localSteps, step);
  const steps = totalSteps(captions, record.config);
  if (isCheckpointDue(record.config, { before, step, steps })) await save(run, step);
}

/**
 * Sees to it that the present step's state is in the store, as long as somebody holds it and replicas agree. Tells whether
 * it is.
 */
export async function saveAndSettle(run: Run, step: number): Promise<boolean> {
  const { checkpoints, crew, replicas, patience } = run;
  await checkpoints.settle();
  while (step > checkpoints.latestStep && crew.active.length > 0 && !replicas.isAstray) {
    await save(run, step);
    await checkpoints.settle();
    await patience.pause();
  }
  return step <= checkpoints.latestStep;
}
