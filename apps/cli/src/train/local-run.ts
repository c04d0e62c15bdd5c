import { modelFolder } from '@captrain/model/hub';
import { type RunConfig, coordinatorConfig } from '@captrain/model/run';
import type { RunStatus__Output as RunStatus } from '@captrain/protos';
import { LiveView, UserError, formatDuration, toFlags, withoutVariables } from '@captrain/runtime';
import { StatusConnection } from '../status-connection.js';
import { statusLine, statusLines } from '../status-view.js';
import { type ChildEnd, SupervisedChild } from './supervised-child.js';
import { gpuOfWorker, visibleGpus } from './worker-gpus.js';

/** Time that workers get to end after their coordinator. */
const REAP_MS = 5000;

/** How a run ended: with a last status, or before it began because its last step is done already. */
export interface RunEnd {
  readonly last?: RunStatus | undefined;
  /** The last step's checkpoint. */
  readonly finished?: string;
}

/**
 * A whole run on this machine: a coordinator and its workers as processes, watched in one live view. Returns the
 * last status. Throws a UserError with the sentence of whichever program could not go on.
 */
export async function runLocally(
  flags: Record<string, unknown>,
  workers: number,
  signal: AbortSignal,
): Promise<RunEnd> {
  const env = withoutVariables(coordinatorConfig, process.env);
  const coordinator = new SupervisedChild(
    'coordinator',
    '@captrain/coordinator',
    toFlags(coordinatorConfig, flags),
    env,
  );
  const stop = () => coordinator.stop();
  signal.addEventListener('abort', stop, { once: true });
  const crew: SupervisedChild[] = [];
  try {
    const { listening: address, finished, config } = await announcement(coordinator);
    if (address === undefined) {
      await coordinator.ended;
      return { finished: finished! };
    }
    // The workers find it in the cache then; on the way there is progress to be seen.
    if (config) await modelFolder(config.languageModel, { signal });
    const gpus = config?.device === 'cpu' ? [] : visibleGpus(env);
    const deviceWorkers = Math.ceil(workers / Math.max(1, gpus.length));
    for (let i = 0; i < workers; i++) {
      const args = ['--coordinator', address, '--name', `worker-${i}`];
      args.push('--device-workers', String(deviceWorkers));
      const workerEnv = { ...env, ...gpuOfWorker(i, gpus) };
      crew.push(new SupervisedChild(`worker-${i}`, '@captrain/worker', args, workerEnv));
    }
    const view = new LiveView();
    const watched = watch(address, view, crew, coordinator);
    const end = await coordinator.ended;
    await Promise.all(crew.map((worker) => worker.reap(REAP_MS)));
    const last = await watched;
    view.close();
    throwFaults(coordinator, end, last);
    if (!hasStarted(last) && !signal.aborted) await throwLoss(crew);
    return { last };
  } finally {
    signal.removeEventListener('abort', stop);
    for (const child of [coordinator, ...crew]) child.stop();
  }
}

/** What a coordinator announces on its first line: its address and config, or that the run is finished. */
interface Announcement {
  listening?: string;
  config?: RunConfig;
  finished?: string;
}

async function announcement(coordinator: SupervisedChild): Promise<Announcement> {
  for await (const line of coordinator.output) return JSON.parse(line) as Announcement;
  throwFaults(coordinator, await coordinator.ended, undefined);
  throw new Error('The coordinator ended before it listened.');
}

/** Shows the run's status until the coordinator ends; a worker that is lost before the first step ends the run. */
async function watch(
  address: string,
  view: LiveView,
  crew: readonly SupervisedChild[],
  coordinator: SupervisedChild,
): Promise<RunStatus | undefined> {
  const connection = new StatusConnection(address);
  let last: RunStatus | undefined;
  let over = false;
  void coordinator.ended.then(() => (over = true));
  for (const worker of crew) {
    void worker.ended.then(({ code, signal }) => {
      if (over || code === 0) return;
      view.print(
        `${worker.name} ended (${signal ?? `exit code ${code}`})${worker.sentence ? `: ${worker.sentence}` : ''}`,
      );
      // The coordinator would wait for it for ever.
      if (!hasStarted(last)) coordinator.stop();
    });
  }
  try {
    for await (const status of connection.watch()) {
      last = status;
      view.update([...statusLines(status), `coordinator ${address}`], statusLine(status));
    }
  } catch {
    // The coordinator went away before its last status; its exit code says why.
  } finally {
    connection.close();
  }
  return last;
}

function throwFaults(
  coordinator: SupervisedChild,
  { code, signal }: ChildEnd,
  last: RunStatus | undefined,
): void {
  if (code === 0) return;
  if (coordinator.sentence !== undefined) throw new UserError(coordinator.sentence);
  const when = last === undefined ? '' : ` at step ${last.step}`;
  throw new Error(
    `The coordinator ended${when} (${signal ?? `exit code ${code}`}):\n${coordinator.lastWords}`,
  );
}

function hasStarted(status: RunStatus | undefined): boolean {
  return status !== undefined && status.parameters > 0;
}

/** Throws where a worker was lost before the first step, so that the run was given up. */
async function throwLoss(crew: readonly SupervisedChild[]): Promise<void> {
  for (const worker of crew) {
    const { code, signal } = await worker.ended;
    if (code === 0 || signal === 'SIGTERM') continue;
    if (worker.sentence !== undefined) throw new UserError(worker.sentence);
    throw new Error(`${worker.name} ended (${signal ?? `exit code ${code}`}):\n${worker.lastWords}`);
  }
}

/** What a run ended with, in one or two sentences. */
export function closingWords(run: string, { last, finished }: RunEnd, seconds: number): string[] {
  if (finished !== undefined) return [`The run is finished already: ${finished}`];
  if (last === undefined) return [];
  const { step, totalSteps, lastCheckpoint, meanLoss } = last;
  const checkpoint = lastCheckpoint ? `${run}/${lastCheckpoint.folder}` : 'no checkpoint yet';
  if (step >= totalSteps) {
    return [
      `Trained ${step} steps in ${formatDuration(seconds)}, loss ${meanLoss.toFixed(4)}: ${checkpoint}`,
    ];
  }
  return [
    `Stopped at step ${step} of ${totalSteps}: ${checkpoint}`,
    `Go on with: captrain train --run ${run} --resume`,
  ];
}
