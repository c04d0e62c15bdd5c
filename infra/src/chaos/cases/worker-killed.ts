import type { ChaosCase, Stage } from '../chaos-case.js';

/** Kills one of two workers when it comes to a point; the other goes on alone. */
function killedAt(point: string, step: number, more: Partial<ChaosCase> = {}): ChaosCase {
  return {
    name: `worker killed: ${point}`,
    did: `SIGKILL of one of two workers at ${point}, step ${step}`,
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      cluster.startWorker({ fault: `${point}@${step}` });
      cluster.startWorker();
    },
    ...more,
  };
}

/** Starts a coordinator with so many workers, and waits for a step. */
export async function trainTo(step: number, { cluster }: Stage, workers: number): Promise<void> {
  await cluster.startCoordinator();
  cluster.startWorkers(workers);
  await cluster.reach(step);
}

const checkpoints = ['--checkpoint-every', '4'];

export const workerKilled: ChaosCase[] = [
  killedAt('before-compute', 6),
  killedAt('mid-upload', 6, { training: { variant: 'large', epochs: 3 }, short: true }),
  killedAt('after-last-chunk', 6, { training: { variant: 'large', epochs: 3 } }),
  killedAt('applying', 6, { training: { variant: 'transformer' } }),
  killedAt('applied', 6, { training: { variant: 'transformer' } }),
  killedAt('writing-checkpoint', 8, { flags: checkpoints }),
  killedAt('mid-upload', 6, {
    name: 'worker killed: mid-upload, workers reduce',
    training: { variant: 'large', epochs: 3 },
    flags: ['--reduce', 'workers'],
  }),
  killedAt('applying', 6, {
    name: 'worker killed: applying, workers reduce',
    flags: ['--reduce', 'workers'],
  }),
  killedAt('mid-upload', 6, {
    name: 'worker killed: mid-upload, neighbours',
    training: { variant: 'large', epochs: 3 },
    neighbours: true,
  }),
  killedAt('after-last-chunk', 6, {
    name: 'worker killed: after-last-chunk, neighbours',
    neighbours: true,
    short: true,
  }),
  killedAt('mid-upload', 6, {
    name: 'worker killed: mid-upload, local steps',
    did: 'SIGKILL of one of two workers at mid-upload in the round of steps 5 and 6',
    training: { localSteps: 2 },
  }),
  killedAt('before-compute', 6, {
    name: 'worker killed: before-compute, local steps, workers reduce',
    did: 'SIGKILL of one of two workers in the midst of the round of steps 5 and 6; workers reduce',
    training: { localSteps: 2, variant: 'transformer' },
    flags: ['--reduce', 'workers'],
  }),
  {
    name: 'worker killed: mid-upload, bf16',
    did: 'SIGKILL of the only worker at mid-upload, step 6; another is started',
    workers: 1,
    // How bfloat16 rounds depends on the number of workers: there has to be one at a time.
    training: { exchange: 'bf16' },
    flags: checkpoints,
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      await cluster.startWorker({ fault: 'mid-upload@6' }).ended;
      cluster.startWorker();
    },
  },
  {
    name: 'worker killed: providing-state',
    did: 'SIGKILL of the only worker while it provides its state to a new one',
    workers: 1,
    flags: checkpoints,
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      cluster.startWorker({ fault: 'providing-state@1' });
      await cluster.reach(3);
      cluster.startWorker();
    },
    training: { epochs: 100 },
  },
  {
    name: 'worker killed: fetching-state',
    did: "SIGKILL of a new worker while it fetches another's state; one more joins",
    workers: 1,
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      cluster.startWorker();
      await cluster.reach(3);
      await cluster.startWorker({ fault: 'fetching-state@1' }).ended;
      cluster.startWorker();
    },
    training: { epochs: 150 },
  },
  {
    name: 'all workers killed',
    did: 'SIGKILL of both workers at once at step 9; a new one is started',
    flags: checkpoints,
    short: true,
    act: async (stage) => {
      await trainTo(9, stage, 2);
      for (const worker of stage.cluster.workers) worker.signal('SIGKILL');
      stage.cluster.startWorker();
    },
  },
  {
    name: 'all workers killed before a checkpoint',
    did: 'SIGKILL of all three workers at step 5, where there is no checkpoint yet; two new ones are started',
    training: { variant: 'transformer' },
    workers: 3,
    act: async (stage) => {
      await trainTo(5, stage, 3);
      for (const worker of stage.cluster.workers) worker.signal('SIGKILL');
      stage.cluster.startWorkers(2);
    },
  },
];
