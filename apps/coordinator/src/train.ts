import type { ObjectStore } from '@captrain/data';
import { stepPlan, totalSteps } from '@captrain/data/order';
import { learningRateAt } from '@captrain/model/config';
import { type Checkpoint, type RunConfig, trainingPart } from '@captrain/model/run';
import { BufferPool, type Logger, UserError } from '@captrain/runtime';
import { writeCheckpoint } from './checkpointer.js';
import type { Crew } from './crew.js';
import { GlobalBatch } from './global-batch.js';
import type { GradientExchange } from './gradient-exchange.js';
import type { Member } from './member.js';
import type { MetricsLog } from './metrics-log.js';
import type { StatusBoard } from './status-board.js';
import type { Subtree } from './subtree.js';

const METRICS_EVERY_MS = 5000;

export interface Training {
  readonly config: RunConfig;
  /** Captions of the training split. */
  readonly captions: number;
  /** SHA-256 of the data's manifest. */
  readonly dataDigest: string;
  readonly generation: number;
  readonly store: ObjectStore;
  readonly start: Checkpoint | undefined;
  readonly crew: Crew;
  readonly exchange: GradientExchange;
  readonly board: StatusBoard;
  readonly metrics: MetricsLog;
  readonly log: Logger;
}

/**
 * Trains from the start checkpoint to the last step, or until `signal` is aborted; either way the newest step
 * ends in a checkpoint, which is returned. Throws a UserError where no worker is left.
 */
export async function train(training: Training, signal: AbortSignal): Promise<Checkpoint | undefined> {
  const { config, captions, crew, exchange, board, metrics } = training;
  const steps = totalSteps(captions, config);
  let newest = training.start;
  let step = newest?.manifest.step ?? 0;
  if (!(await crew.assemble(training.dataDigest, signal))) return newest;
  const pool = new BufferPool(crew.alive[0]!.ready!.parameters);
  board.set({ state: 'RUN_STATE_TRAINING', parameters: pool.length });

  let metricsWritten = performance.now();
  let stepStarted = performance.now();
  while (step < steps && !signal.aborted) {
    const plan = stepPlan(captions, config, step);
    const batch = new GlobalBatch(step + 1, plan.microbatches.length, pool);
    const { computeSeconds, inputSeconds } = await computeBatch(training, batch);
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
      update: { generation: training.generation, step, learningRate, captionTokens, reportDigest: compares },
    });
    if (compares) await compareReplicas(training, step);

    const seconds = (performance.now() - stepStarted) / 1000;
    stepStarted = performance.now();
    const { epoch } = plan;
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

/** Has the workers compute a global batch; returns the longest times of a worker: of computing, and in it of waiting for data. */
async function computeBatch(
  training: Training,
  batch: GlobalBatch,
): Promise<{ computeSeconds: number; inputSeconds: number }> {
  const { crew, exchange, board } = training;
  const computing = new Map<Member, number>();
  const waiting = new Map<Member, number>();
  const send = (grants: ReadonlyMap<Member, Subtree[]>) => {
    for (const [member, subtrees] of grants) {
      member.microbatches = subtrees.reduce((sum, { count }) => sum + count, 0);
      if (subtrees.length === 0) continue;
      member.state = 'WORKER_STATE_COMPUTING';
      member.send({ compute: { generation: training.generation, step: batch.step, subtrees } });
    }
    board.changed();
  };
  exchange.open(batch);
  send(batch.lease(crew.alive));
  while (!batch.complete) {
    const event = (await crew.next())!;
    if (event.type === 'lost') {
      noteLoss(training, event.member, batch.step);
      send(batch.leaseAgain(event.member, crew.alive));
    } else if (event.message.computed?.step === batch.step) {
      const { computed } = event.message;
      batch.addLosses(computed);
      computing.set(event.member, (computing.get(event.member) ?? 0) + computed.computeSeconds);
      waiting.set(event.member, (waiting.get(event.member) ?? 0) + computed.inputSeconds);
      event.member.captionsPerSecond = computed.captions / computed.computeSeconds;
      event.member.state = 'WORKER_STATE_WAITING';
    }
  }
  return {
    computeSeconds: Math.max(...computing.values()),
    inputSeconds: Math.max(...waiting.values()),
  };
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
  const { board, captions, config, crew, store } = training;
  board.set({ state: 'RUN_STATE_CHECKPOINTING' });
  const next = stepPlan(captions, config, step);
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

/** A worker is gone: the others take over; without others the run ends here. */
function noteLoss(training: Training, lost: Member, step: number): void {
  const { crew, board, log, store } = training;
  log.warn({ worker: lost.name, step }, 'worker lost');
  board.changed();
  if (crew.alive.length > 0) return;
  throw new UserError(
    `The last worker, ${lost.name}, was lost at step ${step}; start workers again and go on with captrain train --run ${store.uri} --resume.`,
  );
}
