import { expect, test } from 'vitest';
import { whyNotOnCpu, whyNotOnGpu } from './bfloat16.js';

const able = ['avx512f', 'avx512_bf16'];

test('a CPU with arithmetic for bfloat16 is taken', () => {
  expect(whyNotOnCpu(able, undefined)).toBeUndefined();
  expect(whyNotOnCpu(['amx_bf16'], 'AVX512_CORE_AMX')).toBeUndefined();
  expect(whyNotOnCpu(able, 'DEFAULT')).toBeUndefined();
});

test.each([
  ['the CPU has none', ['avx2', 'avx512f'], undefined, 'neither avx512_bf16 nor amx_bf16'],
  ['nothing is known of the CPU', [], undefined, 'neither avx512_bf16 nor amx_bf16'],
  [
    'a weaker instruction set is asked for',
    able,
    'avx2',
    '--instruction-set avx2 (or ONEDNN_MAX_CPU_ISA) leaves it out',
  ],
  [
    'the same by the environment',
    able,
    'AVX2',
    '--instruction-set avx2 (or ONEDNN_MAX_CPU_ISA) leaves it out',
  ],
])('a CPU is refused with the reason: %s', (_, flags, limit, reason) => {
  expect(whyNotOnCpu(flags, limit)).toContain(reason);
});

test('GPUs are taken from compute capability 8.0 on, all of them', () => {
  expect(whyNotOnGpu('8.0\n')).toBeUndefined();
  expect(whyNotOnGpu('9.0\n10.0\n')).toBeUndefined();
  expect(whyNotOnGpu('9.0\n7.5\n')).toContain('compute capability is 7.5, and bfloat16 needs 8.0');
  expect(whyNotOnGpu('[N/A]\n')).toContain('is [N/A]');
  expect(whyNotOnGpu('')).toContain('nvidia-smi does not tell');
  expect(whyNotOnGpu(undefined)).toContain('nvidia-smi does not tell');
});
