import type { ChaosCase } from '../chaos-case.js';
import { coordinatorKilled } from './coordinator-killed.js';
import { damagedCheckpoints } from './damaged-checkpoints.js';
import { fullDisk } from './full-disk.js';
import { hostileWorkers } from './hostile-workers.js';
import { hosts } from './hosts.js';
import { membership } from './membership.js';
import { partitions } from './partitions.js';
import { storeFaults } from './store.js';
import { twoCoordinators } from './two-coordinators.js';
import { validation } from './validation.js';
import { workerKilled } from './worker-killed.js';
import { workerStopped } from './worker-stopped.js';

/** Every case but the random ones. */
export const chaosCases: readonly ChaosCase[] = [
  ...workerKilled,
  ...workerStopped,
  ...coordinatorKilled,
  ...membership,
  ...hosts,
  ...validation,
  ...twoCoordinators,
  ...partitions,
  ...storeFaults,
  ...fullDisk,
  ...damagedCheckpoints,
  ...hostileWorkers,
];

/** The fastest and most telling of them, which the tests run. */
export const shortCases: readonly ChaosCase[] = chaosCases.filter(({ short }) => short);
