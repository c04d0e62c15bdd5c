import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = ['../../../../tools/run-source.mjs', '../../fixtures/sums-digest.ts'].map((file) =>
  path.join(import.meta.dirname, file),
);

test('all instruction sets give the same bits, without TensorFlow', { timeout: 240_000 }, async () => {
  const digestWith = async (most: string) => {
    const env = { ...process.env, NODE_OPTIONS: '', ONEDNN_MAX_CPU_ISA: most };
    const { stdout } = await promisify(execFile)(process.execPath, program, { env });
    return JSON.parse(stdout) as { digest: string; tensorflow: boolean };
  };
  const best = await digestWith('DEFAULT');
  expect(best).toEqual({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), tensorflow: false });
  expect([await digestWith('AVX2'), await digestWith('SSE41')]).toEqual([best, best]);
});
