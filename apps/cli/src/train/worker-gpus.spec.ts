import { expect, test } from 'vitest';
import { gpuOfWorker, visibleGpus } from './worker-gpus.js';

test('every worker has a GPU of its own, of those that the user left visible', () => {
  const gpus = visibleGpus({ CUDA_VISIBLE_DEVICES: '2,5,GPU-8f1c' });
  expect([0, 1, 2, 3].map((worker) => gpuOfWorker(worker, gpus))).toEqual([
    { CUDA_VISIBLE_DEVICES: '2' },
    { CUDA_VISIBLE_DEVICES: '5' },
    { CUDA_VISIBLE_DEVICES: 'GPU-8f1c' },
    { CUDA_VISIBLE_DEVICES: '2' },
  ]);
});

test('without a GPU the environment stays as it is', () => {
  expect(gpuOfWorker(0, visibleGpus({ CUDA_VISIBLE_DEVICES: '' }))).toEqual({});
});
