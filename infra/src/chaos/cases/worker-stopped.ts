import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseProcess } from '../case-process.js';
import type { ChaosCase, Stage } from '../chaos-case.js';
import { trainTo } from './worker-killed.js';

/** Workers stop for longer than their lease of 2 s. */
export const LONGER_THAN_LEASE_MS = 3000;

/** Duty cycle of the slow worker: its lease does not end meanwhile. */
const [RUNS_MS, STANDS_MS] = [30, 270];

/** Lets a worker run a tenth of the time until the run has ended. */
async function slowDown({ cluster, atEnd }: Stage, worker: CaseProcess): Promise<void> {
  let over = false;
  atEnd(() => void (over = true));
  while (!over && worker.runs && cluster.coordinator.runs) {
    worker.signal('SIGSTOP');
    await sleep(STANDS_MS);
    worker.signal('SIGCONT');
    await sleep(RUNS_MS);
  }
}

/** One of two workers stops itself at a point, and is let go on once the other has gone on alone for two steps. */
function stoppedAt(point: string, step: number, more: Partial<ChaosCase> = {}): ChaosCase {
  return {
    name: `worker stopped: ${point}`,
    did: `SIGSTOP of one of two workers at ${point}, step ${step}; SIGCONT two steps after its lease has ended`,
    act: async ({ cluster, complain }) => {
      await cluster.startCoordinator();
      const stopped = cluster.startWorker({ fault: `${point}@${step}:stop` });
      cluster.startWorker();
      await cluster.reach(step + 2);
      if (!cluster.wasSeen(stopped, 'LOST')) complain(`${stopped.name} was not given up`);
      stopped.signal('SIGCONT');
    },
    ...more,
  };
}

export const workerStopped: ChaosCase[] = [
  stoppedAt('before-compute', 6, { training: { epochs: 25 }, short: true }),
  stoppedAt('mid-upload', 6, { training: { variant: 'large', epochs: 6 } }),
  stoppedAt('mid-upload', 6, {
    name: 'worker stopped: mid-upload, neighbours',
    training: { variant: 'large', epochs: 6 },
    neighbours: true,
  }),
  stoppedAt('applying', 6, { training: { variant: 'transformer', epochs: 25 } }),
  {
    name: 'worker stopped: at any moment',
    did: 'SIGSTOP of one of three workers at step 5 for 3 s, longer than its lease, then SIGCONT',
    workers: 3,
    training: { epochs: 100 },
    act: async (stage) => {
      await trainTo(5, stage, 3);
      const [stopped] = stage.cluster.workers;
      stopped!.signal('SIGSTOP');
      await sleep(LONGER_THAN_LEASE_MS);
      stopped!.signal('SIGCONT');
    },
  },
  {
    name: 'all workers stopped',
    did: 'SIGSTOP of both workers at step 5 for 3 s, longer than their leases, then SIGCONT',
    act: async (stage) => {
      await trainTo(5, stage, 2);
      const { workers } = stage.cluster;
      for (const worker of workers) worker.signal('SIGSTOP');
      await sleep(LONGER_THAN_LEASE_MS);
      for (const worker of workers) worker.signal('SIGCONT');
    },
  },
  {
    name: 'worker stopped: loading-checkpoint',
    did: 'SIGSTOP of one of two workers while it loads the checkpoint that the run is resumed from; SIGCONT once that is deleted',
    workers: 1,
    training: { epochs: 100 },
    flags: ['--checkpoint-every', '4', '--keep-checkpoints', '1'],
    act: async (stage) => {
      const { cluster, complain } = stage;
      await trainTo(9, stage, 1);
      for (const each of [cluster.coordinator, ...cluster.workers]) each.signal('SIGKILL');
      const killed = cluster.coordinator;
      await cluster.until('the coordinator is there again', () => cluster.coordinator !== killed);
      const stopped = cluster.startWorker({ fault: 'loading-checkpoint@1:stop' });
      const isLoading = () => cluster.status?.workers.some(({ name }) => name === stopped.name) === true;
      await cluster.until('it loads', isLoading);
      const loaded = cluster.status!.step;
      cluster.startWorker();
      await cluster.reach(loaded + 12);
      if (!cluster.wasSeen(stopped, 'LOST')) complain(`${stopped.name} was not given up`);
      stopped.signal('SIGCONT');
      await cluster.until('it takes part', () => cluster.members === 2);
    },
  },
  {
    name: 'worker stopped: writing-checkpoint, until all is over',
    did: 'SIGSTOP of one of two workers over a file of the checkpoint of step 8; SIGCONT once the run has ended: what it writes then has to go with the next start',
    flags: ['--checkpoint-every', '4', '--keep-checkpoints', '1'],
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      const stopped = cluster.startWorker({ fault: 'writing-checkpoint@8:stop' });
      // It asks for its coordinator for a while.
      stopped.mayLinger = true;
      cluster.startWorker();
      await cluster.until('the run is over', () => !cluster.coordinator.runs);
      stopped.signal('SIGCONT');
    },
  },
  {
    name: 'worker slow',
    did: 'one of three workers runs a tenth of the time (SIGSTOP, SIGCONT) from step 5 on',
    workers: 3,
    flags: ['--straggler-factor', '3'],
    training: { epochs: 25 },
    act: async (stage) => {
      await trainTo(5, stage, 3);
      const slow = stage.cluster.workers[0]!;
      await slowDown(stage, slow);
      if (!stage.cluster.wasSeen(slow, 'RELIEVED'))
        stage.complain(`the status never said that ${slow.name} was relieved`);
    },
  },
];
