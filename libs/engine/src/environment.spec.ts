import { expect, test } from 'vitest';
import { environmentFor } from './environment.js';

const plain = { device: 'cpu', deterministic: false, verbose: false } as const;

test('threads and instruction set become the variables that TensorFlow and oneDNN read', () => {
  expect(environmentFor({ ...plain, threads: 3, instructionSet: 'avx512_core_bf16' }, {})).toMatchObject({
    TF_NUM_INTRAOP_THREADS: '3',
    TF_NUM_INTEROP_THREADS: '3',
    ONEDNN_MAX_CPU_ISA: 'AVX512_CORE_BF16',
  });
});

test("the user's own variables stand where no option speaks against them", () => {
  const own = { TF_CPP_MIN_LOG_LEVEL: '0', TF_NUM_INTRAOP_THREADS: '7', TF_FORCE_GPU_ALLOW_GROWTH: 'false' };
  const set = environmentFor({ ...plain, threads: 0 }, own);
  expect(Object.keys(set).filter((name) => name in own)).toEqual([]);
  expect(environmentFor({ ...plain, deterministic: true }, { TF_ENABLE_ONEDNN_OPTS: '0' })).toMatchObject({
    TF_ENABLE_ONEDNN_OPTS: '1',
  });
});

test('a run on the CPU leaves GPUs alone, and one on a GPU does not', () => {
  expect(environmentFor(plain, {})['CUDA_VISIBLE_DEVICES']).toBe('-1');
  expect(environmentFor({ ...plain, device: 'gpu' }, {})).not.toHaveProperty('CUDA_VISIBLE_DEVICES');
});
