import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosCase } from '../chaos-case.js';
import { trainTo } from './worker-killed.js';

const training = { epochs: 25 } as const;
const flags = ['--checkpoint-every', '10', '--keep-checkpoints', '2'];

export const storeFaults: ChaosCase[] = [
  {
    name: 'store stopped',
    did: 'SIGSTOP of MinIO at step 5 for 5 s: it takes connections and answers nothing',
    needs: 'minio',
    training,
    flags,
    act: async (stage) => {
      await trainTo(5, stage, 2);
      stage.minio.signal('SIGSTOP');
      await sleep(5000);
      stage.minio.signal('SIGCONT');
    },
  },
  {
    name: 'store down',
    did: 'SIGKILL of MinIO at step 5, started again after 5 s',
    needs: 'minio',
    training,
    flags,
    act: async (stage) => {
      await trainTo(5, stage, 2);
      await stage.minio.kill();
      await sleep(5000);
      await stage.minio.restart();
    },
  },
  {
    name: 'store down, then a worker killed',
    did: 'MinIO down for 5 s from step 5; one of two workers killed meanwhile',
    needs: 'minio',
    training,
    flags,
    act: async (stage) => {
      await trainTo(5, stage, 2);
      await stage.minio.kill();
      await sleep(1000);
      stage.cluster.workers[0]!.signal('SIGKILL');
      await sleep(4000);
      await stage.minio.restart();
    },
  },
  {
    name: 'store slow',
    did: 'every byte to and from MinIO takes 100 ms',
    needs: 'minio',
    training: { variant: 'transformer' },
    flags,
    act: async (stage) => {
      const proxy = await stage.proxy(Number(new URL(stage.minio.endpoint).port));
      proxy.delay = 100;
      stage.cluster.env['AWS_ENDPOINT_URL'] = `http://${proxy.address}`;
      await trainTo(5, stage, 2);
    },
  },
];
