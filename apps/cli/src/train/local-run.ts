import { modelFolder } from '@captrain/model/hub';
import { type RunConfig, coordinatorConfig } from '@captrain/model/run';
import type { RunStatus__Output as RunStatus } from '@captrain/protos';
import { LiveView, UserError, formatDuration, withoutVariables } from '@captrain/runtime';
import { LocalCoordinator } from './local-coordinator.js';
import { RestartingChild } from './restarting-child.js';
import { type ChildEnd, SupervisedChild } from './supervised-child.js';
import { Watch, hasStarted } from './watch.js';
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
 * A whole run on this machine: a coordinator and its workers as processes, watched in one live view. Whichever of them
 * crashes is started anew, and the run goes on: a coordinator's workers keep their state meanwhile. Returns the last
 * status. Throws a UserError with the sentence of whichever program could not go on.
 */
export async function runLocally(
  flags: Record<string, unknown>,
  workers: number,
  signal: AbortSignal,
): Promise<RunEnd> {
  const env = withoutVariables(coordinatorConfig, process.env);
  const view = new LiveView();
  const coordinator = new LocalCoordinator(flags, env, (line) => view.print(line));
  const stop = () => coordinator.stop();
  signal.addEventListener('abort', stop, { once: true });
  const crew: RestartingChild[] = [];
  try {
    const { listening: address, finished, config } = await coordinator.announcement;
    if (address === undefined) {
      await coordinator.ended;
      return { finished: finished! };
    }
    // The workers find it in the cache then; on the way there is progress to be seen.
    if (config) await modelFolder(config.languageModel, { signal });
    const watched = new Watch(address, view, coordinator);
    crew.push(...startWorkers(workers, address, config, env, watched));
    const end = await coordinator.ended;
    await Promise.all(crew.map((worker) => worker.reap(REAP_MS)));
    const last = await watched.end;
    view.close();
    throwFaults(coordinator.current, end, last);
    if (!hasStarted(last) && !signal.aborted) await throwLoss(crew);
    return { last };
  } finally {
    signal.removeEventListener('abort', stop);
    for (const child of [coordinator, ...crew]) child.stop();
  }
}

function startWorkers(
  workers: number,
  address: string,
  config: RunConfig | undefined,
  env: NodeJS.ProcessEnv,
  watched: Watch,
): RestartingChild[] {
  const gpus = config?.device === 'cpu' ? [] : visibleGpus(env);
  const deviceWorkers = Math.ceil(workers / Math.max(1, gpus.length));
  return Array.from({ length: workers }, (_, i) => {
    const name = `worker-${i}`;
    const args = ['--coordinator', address, '--name', name, '--device-workers', String(deviceWorkers)];
    const workerEnv = { ...env, ...gpuOfWorker(i, gpus) };
    const start = () => new SupervisedChild(name, '@captrain/worker', args, workerEnv);
    const worker = new RestartingChild(start, (...crash) => watched.crashed(...crash));
    void worker.ended.then((end) => watched.workerEnded(worker.current, end));
    return worker;
  });
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

/** Throws where a worker was lost before the first step, so that the run was given up. */
async function throwLoss(crew: readonly RestartingChild[]): Promise<void> {
  for (const worker of crew) {
    const { code, signal } = await worker.ended;
    const { name, sentence, lastWords } = worker.current;
    if (code === 0 || signal === 'SIGTERM') continue;
    if (sentence !== undefined) throw new UserError(sentence);
    throw new Error(`${name} ended (${signal ?? `exit code ${code}`}):\n${lastWords}`);
  }
}

/** What a run ended with, in one or two sentences. */
export function closingWords(run: string, { last, finished }: RunEnd, seconds: number): string[] {
  if (finished !== undefined) return [`The run is finished already: ${finished}`];
  if (last === undefined) return [];
  const { step, totalSteps, lastCheckpoint, meanLoss, best } = last;
  const checkpoint = lastCheckpoint ? `${run}/${lastCheckpoint.folder}` : 'no checkpoint yet';
  if (step >= totalSteps) {
    return [
      `Trained ${step} steps in ${formatDuration(seconds)}, loss ${meanLoss.toFixed(4)}: ${checkpoint}`,
      ...(best
        ? [`Best on ${best.split}: step ${best.step}, loss ${best.loss.toFixed(4)} (--checkpoint best)`]
        : []),
    ];
  }
  return [
    `Stopped at step ${step} of ${totalSteps}: ${checkpoint}`,
    `Go on with: captrain train --run ${run} --resume`,
  ];
}
