import type { ObjectStore } from '@captrain/data';
import { microbatchesAt, stepPlan, totalSteps } from '@captrain/data/order';
import { learningRateAt } from '@captrain/model/config';
import { type Checkpoint, trainingPart } from '@captrain/model/run';
import { BufferPool, UserError } from '@captrain/runtime';
import { writeCheckpoint } from './checkpointer.js';
import { chooseCut } from './choose-cut.js';
import { computeStep } from './compute-step.js';
import type { Member } from './member.js';
import type { MetricsLog } from './metrics-log.js';
import { type Share, noteLoss } from './share.js';

const METRICS_EVERY_MS = 5000;

export interface Training extends Share {
  /** SHA-256 of the data's manifest. */
  readonly dataDigest: string;
  readonly store: ObjectStore;
  readonly start: Checkpoint | undefined;
  readonly metrics: MetricsLog;
}

/**
 * Trains from the start checkpoint to the last step, or until `signal` is aborted; either way the newest step
 * ends in a checkpoint, which is returned. Throws a UserError where no worker is left.
 */
export async function train(training: Training, signal: AbortSignal): Promise<Checkpoint | undefined> {
  const { record, captions, crew, exchange, board, metrics } = training;
  const { config } = record;
  const steps = totalSteps(captions, config);
  let newest = training.start;
  let step = newest?.manifest.step ?? 0;
  if (!(await crew.assemble(training.dataDigest, signal))) return newest;
  if (!record.isSettled) {
    const microbatches = await chooseCut(training, signal);
    if (microbatches === undefined) return newest;
    await record.settle(microbatches);
    training.log.info({ microbatches }, 'microbatches chosen');
  }
  const pool = new BufferPool(crew.alive[0]!.ready!.parameters);
  board.set({ state: 'RUN_STATE_TRAINING', parameters: pool.length });

  let metricsWritten = performance.now();
  let stepStarted = performance.now();
  while (step < steps && !signal.aborted) {
    const { batch, epoch, computeSeconds, inputSeconds } = await computeStep(training, step, pool);
    const { loss, captionTokens } = batch;
    if (!Number.isFinite(loss)) {
      throw new UserError(
        `The loss of step ${batch.step} is not a finite number; lower --learning-rate, and go on from ${newest?.folder ?? 'the start'}.`,
      );
    }
    const learningRate = learningRateAt(config, step, steps);
    step = batch.step;
    const saves = step === steps || isDue(step, config.checkpointEvery);
    const compares = saves || isDue(step, config.digestEvery);
    exchange.publish(batch);
    crew.broadcast({
      update: { generation: batch.generation, step, learningRate, captionTokens, reportDigest: compares },
    });
    if (compares) await compareReplicas(training, step);

    const seconds = (performance.now() - stepStarted) / 1000;
    stepStarted = performance.now();
    board.addStep({ step, epoch, loss, learningRate, captions: batch.captions, seconds });
    metrics.add({
      step,
      epoch,
      loss,
      lr: learningRate,
      captions: batch.captions,
      tokens: captionTokens,
      seconds,
      exchange_seconds: Math.max(0, seconds - computeSeconds),
      input_seconds: inputSeconds,
      workers: crew.alive.length,
    });
    if (saves) {
      newest = await save(training, step, steps);
      stepStarted = performance.now();
    }
    if (saves || performance.now() - metricsWritten > METRICS_EVERY_MS) {
      await metrics.write();
      metricsWritten = performance.now();
    }
  }
  if (step > (newest?.manifest.step ?? 0)) {
    board.set({ state: 'RUN_STATE_STOPPING' });
    newest = await save(training, step, steps);
    await metrics.write();
  }
  return newest;
}

function isDue(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}

/** Waits until every worker has updated its replica, and throws where one differs. */
async function compareReplicas(training: Training, step: number): Promise<void> {
  const { crew } = training;
  const digests = new Map<Member, string>();
  while (crew.alive.some((member) => !digests.has(member))) {
    const event = (await crew.next())!;
    if (event.type === 'lost') noteLoss(training, event.member, step);
    else if (event.message.updated?.step === step)
      digests.set(event.member, event.message.updated.replicaDigest);
  }
  crew.compareReplicas(digests, step);
}

async function save(training: Training, step: number, steps: number): Promise<Checkpoint> {
  const { board, captions, crew, store } = training;
  const { config } = training.record;
  board.set({ state: 'RUN_STATE_CHECKPOINTING' });
  const microbatches = microbatchesAt(config, step + 1);
  const next = stepPlan(captions, { batchSize: config.batchSize, microbatches }, step);
  const manifest = {
    format: 1 as const,
    step,
    epoch: next.epoch,
    position: next.start,
    config: trainingPart(config),
    data: training.dataDigest,
  };
  const checkpoint = await writeCheckpoint(crew, store, manifest, (lost) => noteLoss(training, lost, step));
  training.log.info({ step, folder: checkpoint.folder }, 'checkpoint committed');
  board.set({
    state: step === steps ? 'RUN_STATE_FINISHED' : 'RUN_STATE_TRAINING',
    lastCheckpoint: { step, folder: checkpoint.folder },
  });
  return checkpoint;
}
