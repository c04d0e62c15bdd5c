import type { ChaosCase } from '../chaos-case.js';

/** 12 steps, whose best checkpoint is not the last one. */
const training = { epochs: 3, validateEvery: 2 } as const;

/** Of its checkpoints the best one. */
const BEST = 6;

const flags = ['--keep-checkpoints', '2'];

/** Kills one of two workers, or the coordinator, at a point of a checkpoint of a step; BEST is to be what it would be. */
function killedAt(
  who: 'worker' | 'coordinator',
  point: string,
  step: number,
  more: Partial<ChaosCase> = {},
): ChaosCase {
  const fault = `${point}@${step}`;
  return {
    name: `validated, ${who} killed: ${point}`,
    did: `SIGKILL of ${who === 'worker' ? 'one of two workers' : 'the coordinator'} at ${point}, step ${step}, where every checkpoint is validated`,
    training,
    flags,
    act: async ({ cluster }) => {
      await cluster.startCoordinator(who === 'coordinator' ? { fault } : {});
      cluster.startWorker(who === 'worker' ? { fault } : {});
      cluster.startWorker();
    },
    ...more,
  };
}

/** Kills the coordinator and both workers when it comes to a point; all are started again. */
function allKilledAt(point: string, step: number): ChaosCase {
  return {
    name: `validated, everything killed: ${point}, step ${step}`,
    did: `SIGKILL of the coordinator at ${point}, step ${step}, and of both workers; all are started again`,
    training,
    flags,
    act: async ({ cluster }) => {
      const coordinator = await cluster.startCoordinator({ fault: `${point}@${step}` });
      const workers = cluster.startWorkers(2);
      await coordinator.ended;
      for (const worker of workers) worker.signal('SIGKILL');
      cluster.startWorkers(2);
    },
  };
}

export const validation: ChaosCase[] = [
  killedAt('worker', 'validating', BEST),
  killedAt('coordinator', 'validating', BEST),
  killedAt('coordinator', 'after-manifest', BEST, { short: true }),
  allKilledAt('validating', BEST),
  allKilledAt('after-manifest', BEST),
  allKilledAt('after-best', BEST),
  // The last step's: nothing is left to train.
  allKilledAt('after-manifest', 12),
];
