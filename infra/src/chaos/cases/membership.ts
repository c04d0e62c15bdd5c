import type { ChaosCase } from '../chaos-case.js';
import type { Cluster } from '../cluster.js';

/** Lets workers join or leave until there are so many, and three more steps are done. */
async function changeTo(count: number, cluster: Cluster): Promise<void> {
  while (cluster.livingWorkers.length < count) cluster.startWorker();
  const leaving = cluster.livingWorkers.slice(count);
  for (const worker of leaving) worker.signal('SIGTERM');
  await Promise.all(leaving.map(({ ended }) => ended));
  await cluster.until(`the run has ${count} workers`, () => cluster.members === count);
  await cluster.reach(cluster.status!.step + 3);
}

export const membership: ChaosCase[] = [
  {
    name: 'workers come and go',
    did: 'workers join and leave (SIGTERM): 1, 4, 2, 3, 8',
    workers: 1,
    // So many steps that the run does not end before all have come; eight workers take a while for them.
    training: { epochs: 400 },
    mostSeconds: 400,
    flags: ['--checkpoint-every', '100', '--keep-checkpoints', '2'],
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      for (const count of [1, 4, 2, 3, 8]) await changeTo(count, cluster);
    },
  },
  {
    name: 'workers join while others leave',
    did: 'of two workers one leaves at step 5 while two join',
    training: { epochs: 100, variant: 'transformer' },
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      cluster.startWorkers(2);
      await cluster.reach(5);
      cluster.startWorkers(2);
      cluster.workers[0]!.signal('SIGTERM');
      await cluster.until('the run has 3 workers', () => cluster.members === 3);
    },
  },
];
