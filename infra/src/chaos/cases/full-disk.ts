import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnd } from '../case-process.js';
import type { ChaosCase, Need, Stage } from '../chaos-case.js';
import { FileLimit } from '../file-limit.js';
import { SmallDisk } from '../full-disk.js';
import { trainTo } from './worker-killed.js';

/** A way to leave no room for files, from step 5 on. */
interface Fullness {
  readonly needs: Need;
  readonly name: string;
  readonly did: string;
  /** What the coordinator has to say of it. */
  readonly sentence: string;
  /** Trains, and fills. Returns how room is made again. */
  fill(stage: Stage): Promise<() => Promise<void> | void>;
}

const ways: Fullness[] = [
  {
    needs: 'mounts',
    name: 'disk full',
    did: "the run's disk is full from step 5 on",
    sentence: 'the disk is full',
    fill: async (stage) => {
      const disk = await SmallDisk.mount(stage.run, 64);
      stage.atEnd(() => disk.unmount());
      await trainTo(5, stage, 2);
      disk.fill();
      return () => disk.makeRoom();
    },
  },
  // Where nothing can be mounted, this comes nearest.
  {
    needs: 'limits',
    name: 'file limit reached',
    did: 'the coordinator may write to no file from step 5 on (RLIMIT_FSIZE)',
    sentence: 'a limit on the size of files is reached',
    fill: async (stage) => {
      await trainTo(5, stage, 2);
      const { coordinator } = stage.cluster;
      const limit = new FileLimit(coordinator);
      await limit.fill();
      return () => (coordinator.runs ? limit.makeRoom() : undefined);
    },
  },
];

/** How long workers may take to end after their coordinator. */
const FAREWELL_MS = 10_000;

const checkpoints = ['--checkpoint-every', '4'];

export const fullDisk: ChaosCase[] = ways.flatMap(({ name, did, sentence, needs, fill }) => [
  {
    name: `${name} for a while`,
    did: `${did}, for 5 s`,
    needs,
    flags: checkpoints,
    training: { variant: 'transformer', epochs: 20 },
    act: async (stage) => {
      const makeRoom = await fill(stage);
      await sleep(5000);
      await makeRoom();
    },
  },
  {
    name,
    did: `${did}: the run has to end with one sentence, its workers too; room is made, and it is resumed`,
    needs,
    flags: [...checkpoints, '--store-patience', '2'],
    act: async (stage) => {
      const makeRoom = await fill(stage);
      const { cluster } = stage;
      const full = cluster.coordinator;
      const end = await full.ended;
      if (end.code !== 2 || !full.sentence?.includes(sentence))
        stage.complain(`the coordinator ended with ${describeEnd(end)}: ${full.sentence}`);
      await Promise.race([
        Promise.all(cluster.workers.map(({ ended }) => ended)),
        sleep(FAREWELL_MS, undefined, { ref: false }),
      ]);
      for (const worker of cluster.livingWorkers) stage.complain(`${worker.name} did not end with the run`);
      await makeRoom();
      await cluster.startCoordinator();
      cluster.startWorkers(2);
    },
  },
]);
