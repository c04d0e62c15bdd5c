import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnd } from '../case-process.js';
import type { ChaosCase, Stage } from '../chaos-case.js';
import { SmallDisk } from '../full-disk.js';
import { trainTo } from './worker-killed.js';

/** Trains on a small disk, which is full from step 5 on. */
async function trainUntilFull(stage: Stage): Promise<SmallDisk> {
  const disk = await SmallDisk.mount(stage.run, 64);
  stage.atEnd(() => disk.unmount());
  await trainTo(5, stage, 2);
  disk.fill();
  return disk;
}

const checkpoints = ['--checkpoint-every', '4'];

export const fullDisk: ChaosCase[] = [
  {
    name: 'disk full for a while',
    did: "the run's disk is full from step 5 on, for 5 s",
    needs: 'mounts',
    flags: checkpoints,
    training: { variant: 'transformer' },
    act: async (stage) => {
      const disk = await trainUntilFull(stage);
      await sleep(5000);
      disk.makeRoom();
    },
  },
  {
    name: 'disk full',
    did: "the run's disk is full from step 5 on: the run has to end with one sentence; room is made, and it is resumed",
    needs: 'mounts',
    flags: [...checkpoints, '--store-patience', '2'],
    act: async (stage) => {
      const disk = await trainUntilFull(stage);
      const { cluster } = stage;
      const full = cluster.coordinator;
      const end = await full.ended;
      if (end.code !== 2 || !full.sentence?.includes('disk is full'))
        stage.complain(`the coordinator ended with ${describeEnd(end)}: ${full.sentence}`);
      disk.makeRoom();
      await cluster.startCoordinator();
    },
  },
];
