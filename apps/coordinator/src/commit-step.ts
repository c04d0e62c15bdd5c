import { learningRateAt } from '@captrain/model/config';
import { faultPoint } from '@captrain/runtime';
import { isCheckpointDue, passes } from './checkpoints/due.js';
import type { Run } from './run.js';
import type { GlobalBatch } from './step/global-batch.js';
import type { StepTimes } from './step/step-times.js';

/** A step of which every active worker has the global gradient. */
export interface SummedStep {
  readonly batch: GlobalBatch;
  /** The generation under which it was summed. */
  readonly generation: number;
  /** Whether the gradient is. */
  readonly finite: boolean;
  readonly times: StepTimes;
  /** Since the step before. */
  readonly seconds: number;
}

/**
 * Makes a step part of the run: every active worker is told to update by it, all alike, or to skip it where loss or
 * gradient are not finite. Tells whether it was skipped, and whether a checkpoint is due.
 */
export function commitStep(
  run: Run,
  { batch, generation, finite, times, seconds }: SummedStep,
  { steps }: { steps: number },
): { isSkipped: boolean; isDue: boolean } {
  const { crew, replicas, runLog, board, record } = run;
  const { config } = record;
  const { before, step, epoch, loss, captions, captionTokens } = batch;
  const isSkipped = !finite || !Number.isFinite(loss);
  const isDue = isCheckpointDue(config, { before, step, steps });
  const compares = isDue || passes(config.digestEvery, before, step);
  const learningRate = learningRateAt(config, step - 1, steps);
  const members = crew.active;
  const stepRecord = {
    metrics: {
      step,
      epoch,
      loss: Number.isFinite(loss) ? loss : null,
      lr: learningRate,
      captions,
      tokens: captionTokens,
      seconds,
      exchange_seconds: Math.max(0, seconds - times.computeSeconds),
      input_seconds: times.inputSeconds,
      workers: members.length,
      ...(isSkipped && { skipped: true as const }),
    },
    ...(run.keepsLedger && { ledger: batch.ledger }),
  };
  runLog.add(stepRecord);
  if (compares) replicas.expect(step, members);
  const update = {
    generation,
    step,
    learningRate,
    captionTokens,
    reportDigest: compares,
    skip: isSkipped,
    metrics: JSON.stringify(stepRecord),
    metricsWritten: runLog.writtenStep,
  };
  faultPoint('before-update', step);
  members.forEach((member, i) => {
    member.state = 'WORKER_STATE_UPDATING';
    member.send({ update });
    if (i === 0) faultPoint('after-first-update', step);
  });
  if (isSkipped) run.log.warn({ step }, 'the gradient is not finite: nothing is updated');
  board.addStep({ before, step, epoch, loss, learningRate, captions, seconds });
  board.set({ skippedUpdates: runLog.skipped });
  return { isSkipped, isDue };
}
