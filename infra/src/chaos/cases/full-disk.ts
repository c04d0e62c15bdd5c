import { describeEnd } from '../case-process.js';
import type { ChaosCase } from '../chaos-case.js';
import { SmallDisk } from '../full-disk.js';
import { trainTo } from './worker-killed.js';

export const fullDisk: ChaosCase[] = [
  {
    name: 'disk full',
    did: "the run's disk is filled at step 5: the run has to end with one sentence; room is made, and it is resumed",
    needs: 'mounts',
    flags: ['--checkpoint-every', '4'],
    training: { epochs: 25 },
    act: async (stage) => {
      const disk = await SmallDisk.mount(stage.run, 64);
      stage.atEnd(() => disk.unmount());
      await trainTo(5, stage, 2);
      const { cluster } = stage;
      disk.fill();
      const full = cluster.coordinator;
      full.mayEnd = true;
      for (const worker of cluster.workers) worker.mayEnd = true;
      const end = await full.ended;
      if (end.code !== 2 || !/space|full/i.test(full.sentence ?? ''))
        stage.complain(`the coordinator ended with ${describeEnd(end)}: ${full.sentence}`);
      await Promise.all(cluster.workers.map(({ ended }) => ended));
      disk.makeRoom();
      await cluster.startCoordinator();
      cluster.startWorkers(2);
    },
  },
];
