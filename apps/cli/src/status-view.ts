import type { RunStatus__Output as RunStatus } from '@captrain/protos';
import { colors, drawBar, formatCount, formatDuration, formatRate, formatTable } from '@captrain/runtime';

/** `RUN_STATE_WAITING_FOR_WORKERS` → "waiting for workers". */
export function stateName(state: string): string {
  return state
    .replace(/^(RUN|WORKER)_STATE_/, '')
    .toLowerCase()
    .replaceAll('_', ' ');
}

/** A run's status on one line, for logs. */
export function statusLine(status: RunStatus): string {
  const parts = [
    stateName(status.state),
    `step ${formatCount(status.step)} of ${formatCount(status.totalSteps)}`,
    `loss ${status.meanLoss.toFixed(3)}`,
    formatRate(status.captionsPerSecond, 'captions'),
  ];
  if (status.validation) parts.push(`validation ${status.validation.loss.toFixed(3)}`);
  if (status.etaSeconds > 0) parts.push(`ETA ${formatDuration(status.etaSeconds)}`);
  return parts.join(' · ');
}

/** Who adds gradients up, by `--reduce`. */
const sumsBy: Record<string, string> = {
  coordinator: 'by the coordinator',
  workers: 'by the workers, each one part',
  collective: 'collectively',
};

/** A run's status with its workers, for people. */
export function statusLines(status: RunStatus): string[] {
  const workers = `${status.workers.length} of ${status.expectedWorkers} workers`;
  const rows = [
    ['run', status.run],
    ['state', `${colors.bold(stateName(status.state))} · ${workers}`],
    [
      'step',
      `${drawBar(status.step, status.totalSteps)} ${formatCount(status.step)} of ${formatCount(status.totalSteps)} · ${epoch(status)}`,
    ],
    ['loss', `${status.loss.toFixed(4)} · ${status.meanLoss.toFixed(4)} over the last steps`],
    ['rate', rate(status)],
    ['sums', sumsBy[status.reduce] ?? status.reduce],
    ['checkpoint', status.lastCheckpoint?.folder || 'none yet'],
  ];
  const validated = validation(status);
  if (validated !== '') rows.push(['validation', validated]);
  if (status.skippedUpdates > 0)
    rows.push(['skipped', `${formatCount(status.skippedUpdates)} updates: their gradients were not finite`]);
  if (status.message) rows.push(['message', status.message]);
  return [
    ...formatTable(rows.map(([name, value]) => [colors.dim(name!), value!])).split('\n'),
    ...workerLines(status),
  ];
}

function epoch({ epoch, totalEpochs }: RunStatus): string {
  return totalEpochs > 0
    ? `epoch ${Math.min(epoch + 1, totalEpochs)} of ${totalEpochs}`
    : `epoch ${epoch + 1}`;
}

/** The last validation and the best one; empty where there was none. */
function validation({ validation, best }: RunStatus): string {
  const told = validation ?? best;
  if (!told) return '';
  const at = ({ loss, step }: NonNullable<typeof best>) => `${loss.toFixed(4)} at step ${formatCount(step)}`;
  const parts = [
    ...(validation ? [at(validation)] : []),
    ...(best ? [`best ${at(best)}`] : []),
    `${formatCount(told.captions)} captions of ${told.split}`,
  ];
  return parts.join(' · ');
}

function rate(status: RunStatus): string {
  const figures = formatRate(status.captionsPerSecond, 'captions');
  const learning = `learning rate ${status.learningRate.toExponential(2)}`;
  const eta = status.etaSeconds > 0 ? ` · ETA ${formatDuration(status.etaSeconds)}` : '';
  return `${figures}${eta} · ${learning}`;
}

function workerLines({ workers }: RunStatus): string[] {
  if (workers.length === 0) return [];
  const header = ['worker', 'state', 'device', 'captions/s', 'microbatches'].map((text) => colors.dim(text));
  const rows = workers.map((worker) => [
    worker.name || String(worker.worker),
    stateName(worker.state),
    worker.device,
    worker.captionsPerSecond.toFixed(1),
    String(worker.microbatches),
  ]);
  const told = workers.filter(({ reason }) => reason !== '');
  return [
    '',
    ...formatTable([header, ...rows], 'lllrr').split('\n'),
    ...told.map(({ name, worker, reason }) => colors.dim(`${name || worker}: ${reason}`)),
  ];
}
