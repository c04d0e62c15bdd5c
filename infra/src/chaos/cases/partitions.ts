import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosCase, Stage } from '../chaos-case.js';
import type { Place } from '../namespaces.js';

/** Longer than the leases of 2 s. */
const PARTED_MS = 4000;

const training = { epochs: 100 } as const;

/** Which of the two ways between a worker and the coordinator is cut. */
const ways = {
  'to the coordinator': ['up'],
  'from the coordinator': ['down'],
  'both ways': ['up', 'down'],
} as const;

/** Starts two workers, each in a place of its own, and waits for a step. */
async function trainInPlaces(stage: Stage): Promise<[Place, Place]> {
  const { cluster, network } = stage;
  await cluster.startCoordinator();
  const places: [Place, Place] = [await network.addPlace('a'), await network.addPlace('b')];
  for (const place of places) cluster.startWorker({ place });
  await cluster.reach(5);
  return places;
}

/** Cuts, waits, mends. */
async function partFor(stage: Stage, ...cut: (readonly [from: Place, to: Place])[]): Promise<void> {
  for (const [from, to] of cut) await stage.network.drop(from, to);
  await sleep(PARTED_MS);
  await stage.network.mend();
}

const ofNamespaces: ChaosCase[] = Object.entries(ways).map(([way, directions]) => ({
  name: `partition: ${way}`,
  did: `packets of one of two workers ${way} are dropped by a router for 4 s from step 5 on`,
  needs: 'namespaces',
  training,
  act: async (stage) => {
    const [a] = await trainInPlaces(stage);
    const { place, workers } = stage.cluster;
    await partFor(
      stage,
      ...directions.map((each) => (each === 'up' ? ([a, place!] as const) : ([place!, a] as const))),
    );
    if (!stage.cluster.wasSeen(workers[0]!, 'LOST')) stage.complain(`${workers[0]!.name} was not given up`);
  },
}));

const betweenWorkers: ChaosCase[] = [false, true].map((both) => ({
  name: `partition: between workers, ${both ? 'both ways' : 'one way'}`,
  did: `packets from one worker to the other ${both ? 'and back ' : ''}are dropped for 4 s from step 5 on; workers reduce`,
  needs: 'namespaces',
  training,
  flags: ['--reduce', 'workers'],
  act: async (stage) => {
    const [a, b] = await trainInPlaces(stage);
    await partFor(stage, [a, b], ...(both ? ([[b, a]] as const) : []));
  },
}));

const ofProxies: ChaosCase[] = Object.entries(ways).map(([way, directions]) => ({
  name: `partition by proxy: ${way}`,
  did: `bytes of one of two workers ${way} are held back for 4 s from step 5 on`,
  training,
  act: async ({ cluster, proxy, complain }) => {
    await cluster.startCoordinator();
    const between = await proxy(Number(cluster.address.split(':')[1]));
    const parted = cluster.startWorker({ through: between.address });
    cluster.startWorker();
    await cluster.reach(5);
    between.block(...directions);
    await sleep(PARTED_MS);
    between.unblock();
    if (!cluster.wasSeen(parted, 'LOST')) complain(`${parted.name} was not given up`);
  },
}));

export const partitions: ChaosCase[] = [...ofNamespaces, ...betweenWorkers, ...ofProxies];
