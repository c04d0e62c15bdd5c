import type { ChaosCase } from '../chaos-case.js';
import { trainTo } from './worker-killed.js';

/** Kills the coordinator when it comes to a point; it is started again, and the workers are still there. */
function killedAt(point: string, step: number, more: Partial<ChaosCase> = {}): ChaosCase {
  return {
    name: `coordinator killed: ${point}`,
    did: `SIGKILL of the coordinator at ${point}, step ${step}; started again`,
    flags: ['--checkpoint-every', '4', '--keep-checkpoints', '2'],
    act: async ({ cluster }) => {
      await cluster.startCoordinator({ fault: `${point}@${step}` });
      cluster.startWorkers(2);
    },
    ...more,
  };
}

export const coordinatorKilled: ChaosCase[] = [
  killedAt('before-config', 0, { flags: ['--microbatches', 'auto'], training: { microbatches: 2 } }),
  killedAt('reducing', 6, { training: { variant: 'large', epochs: 3 } }),
  killedAt('before-update', 6),
  killedAt('after-first-update', 6, { short: true }),
  killedAt('before-metrics', 6),
  killedAt('after-metrics', 6, { training: { variant: 'transformer' } }),
  killedAt('before-manifest', 8),
  killedAt('after-manifest', 8),
  killedAt('after-latest', 8),
  killedAt('before-retain', 12),
  killedAt('after-latest', 40, {
    name: 'coordinator killed: after the end',
    did: "SIGKILL of the coordinator once LATEST names the last step's checkpoint; started again",
  }),
  killedAt('before-update', 6, {
    name: 'coordinator killed: before-update, workers reduce',
    flags: ['--reduce', 'workers'],
  }),
  killedAt('reducing', 6, {
    name: 'coordinator killed: reducing, bf16',
    training: { exchange: 'bf16', variant: 'transformer' },
    workers: 1,
    act: async ({ cluster }) => {
      await cluster.startCoordinator({ fault: 'reducing@6' });
      cluster.startWorker();
    },
  }),
  {
    name: 'coordinator and a worker killed',
    did: 'SIGKILL of the coordinator and one of two workers at step 6',
    act: async (stage) => {
      await trainTo(6, stage, 2);
      stage.cluster.coordinator.signal('SIGKILL');
      stage.cluster.workers[0]!.signal('SIGKILL');
    },
  },
  {
    name: 'everything killed',
    did: 'SIGKILL of the coordinator and both workers at step 9; all are started again',
    flags: ['--checkpoint-every', '4'],
    training: { variant: 'transformer' },
    act: async (stage) => {
      await trainTo(9, stage, 2);
      for (const each of [stage.cluster.coordinator, ...stage.cluster.workers]) each.signal('SIGKILL');
      stage.cluster.startWorkers(2);
    },
  },
  {
    name: 'coordinator killed again and again',
    did: 'SIGKILL of the coordinator at steps 4, 8, 12 and 16',
    act: async (stage) => {
      await trainTo(4, stage, 2);
      const { cluster } = stage;
      for (const step of [8, 12, 16, 20]) {
        const killed = cluster.coordinator;
        killed.signal('SIGKILL');
        await killed.ended;
        await cluster.until('the coordinator is there again', () => cluster.coordinator !== killed);
        await cluster.reach(step);
      }
    },
    training: { epochs: 25 },
  },
];
