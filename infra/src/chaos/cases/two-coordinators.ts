import { describeEnd } from '../case-process.js';
import type { ChaosCase } from '../chaos-case.js';
import { trainTo } from './worker-killed.js';

export const twoCoordinators: ChaosCase[] = [
  {
    name: 'two coordinators',
    did: 'a second coordinator is started on the run at step 5: it has to end, saying who leads',
    workers: 1,
    short: true,
    act: async (stage) => {
      await trainTo(5, stage, 1);
      const { rival } = await stage.cluster.startRival();
      // The run must not be over before the second one has looked at it.
      for (const worker of stage.cluster.workers) worker.signal('SIGSTOP');
      const end = await rival.ended;
      for (const worker of stage.cluster.workers) worker.signal('SIGCONT');
      if (end.code !== 2) stage.complain(`the second coordinator ended with ${describeEnd(end)}`);
      if (!rival.sentence?.includes(stage.cluster.address))
        stage.complain(`the second coordinator did not name the leader: ${rival.sentence}`);
    },
  },
  {
    name: 'leader stopped, another takes over',
    did: 'SIGSTOP of the coordinator at step 5 until another leads the run; then SIGCONT: it has to end',
    training: { epochs: 100 },
    act: async (stage) => {
      const { cluster } = stage;
      const first = await cluster.startCoordinator();
      // The workers' way to whoever leads, as a cluster's service is.
      const service = await stage.proxy(Number(cluster.address.split(':')[1]));
      for (let i = 0; i < 2; i++) cluster.startWorker({ through: service.address });
      await cluster.reach(5);
      first.signal('SIGSTOP');
      service.target = await cluster.succeed();
      service.breakOff();
      await cluster.reach(10);
      first.mayEnd = true;
      first.signal('SIGCONT');
      const end = await first.ended;
      if (end.code !== 2) stage.complain(`the fenced coordinator ended with ${describeEnd(end)}`);
    },
  },
];
