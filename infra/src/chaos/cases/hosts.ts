import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseProcess } from '../case-process.js';
import type { Cluster } from '../cluster.js';
import type { ChaosCase, Stage } from '../chaos-case.js';
import { LONGER_THAN_LEASE_MS } from './worker-stopped.js';

/** Two hosts of two workers each: 0 and 2 are on the first one, 1 and 3 on the second. */
const twoHosts = {
  neighbours: true,
  hosts: 2,
  workers: 4,
  needs: 'hostNames',
  training: { variant: 'large', epochs: 6 },
  flags: ['--reduce', 'workers'],
} as const;

/** Sees to it that workers go together as is meant: so many of each host with the reducers. */
async function haveSpeakers(speakers: number, cluster: Cluster): Promise<void> {
  const said = `"workersByHost":[2,2],"speakers":${speakers}`;
  await cluster.until('two workers of each host go together', () => cluster.coordinator.said.includes(said));
}

/** At which a worker kills or stops itself. */
const STEP = 6;

/** One of the four workers kills or stops itself at a point; where it stopped, it is let go on once it was given up. */
function atPoint(
  which: number,
  point: string,
  { stops = false, speakers = 2, ...more }: Partial<ChaosCase> & { stops?: boolean; speakers?: number } = {},
): ChaosCase {
  const fault = `${point}@${STEP}${stops ? ':stop' : ''}`;
  const rank = which < 2 ? 'the first' : 'the second';
  return {
    name: `two hosts: ${point}${stops ? ', stopped' : ''}, ${rank} of its host`,
    did: `${stops ? 'SIGSTOP' : 'SIGKILL'} of ${rank} of two workers of a host at ${point}, step ${STEP}; another host has two as well`,
    ...twoHosts,
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      const workers = [0, 1, 2, 3].map((i) => cluster.startWorker(i === which ? { fault } : {}));
      await haveSpeakers(speakers, cluster);
      if (!stops) return;
      const stopped = workers[which]!;
      await cluster.until('it was given up', () => cluster.wasSeen(stopped, 'LOST'));
      stopped.signal('SIGCONT');
    },
    ...more,
  };
}

/** Does something to both workers of the first host at step 5. */
function toAHost(name: string, did: string, strike: (workers: CaseProcess[], stage: Stage) => Promise<void>) {
  return {
    name: `two hosts: ${name}`,
    did: `${did} at step 5; another host has two as well`,
    ...twoHosts,
    training: { epochs: 60 },
    act: async (stage: Stage) => {
      const { cluster } = stage;
      await cluster.startCoordinator();
      const workers = cluster.startWorkers(4);
      await cluster.reach(5);
      await haveSpeakers(2, cluster);
      await strike([workers[0]!, workers[2]!], stage);
    },
  } satisfies ChaosCase;
}

export const hosts: ChaosCase[] = [
  atPoint(0, 'mid-upload'),
  atPoint(2, 'mid-upload'),
  atPoint(2, 'after-last-chunk'),
  atPoint(1, 'after-last-chunk', {
    name: 'two hosts: after-last-chunk, by way of the coordinator',
    did: 'SIGKILL of the first of two workers of a host at after-last-chunk, step 6; another host has two as well; the coordinator reduces',
    flags: [],
    speakers: 1,
  }),
  atPoint(3, 'mid-upload', { stops: true }),
  atPoint(2, 'applying', { training: { variant: 'transformer', localSteps: 2 } }),
  toAHost('one killed', 'SIGKILL of both workers of a host', async (workers, { cluster }) => {
    for (const worker of workers) worker.signal('SIGKILL');
    cluster.startWorkers(2);
  }),
  toAHost('one stopped', 'SIGSTOP of both workers of a host for 3 s', async (workers) => {
    for (const worker of workers) worker.signal('SIGSTOP');
    await sleep(LONGER_THAN_LEASE_MS);
    for (const worker of workers) worker.signal('SIGCONT');
  }),
  {
    ...twoHosts,
    name: 'two hosts: of unequal size',
    did: 'three workers on two hosts, a fourth joins at step 5, and of the fuller host one leaves at step 12',
    workers: 3,
    training: { epochs: 100 },
    act: async ({ cluster }) => {
      await cluster.startCoordinator();
      const [first] = cluster.startWorkers(3);
      await cluster.reach(5);
      cluster.startWorker();
      await cluster.until('the run has 4 workers', () => cluster.members === 4);
      await haveSpeakers(2, cluster);
      await cluster.reach(cluster.status!.step + 3);
      first!.signal('SIGTERM');
      await cluster.until('the run has 3 workers', () => cluster.members === 3);
    },
  },
];
