import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isOutOfMemory } from './out-of-memory.js';

test(
  'memory that is short is an error that can be told, and nothing else is lost',
  { timeout: 240_000 },
  () => {
    const programs = ['../../../tools/run-source.mjs', '../fixtures/out-of-memory.ts'];
    const args = programs.map((file) => path.join(import.meta.dirname, file));
    const output = execFileSync(process.execPath, args, {
      env: { ...process.env, NODE_OPTIONS: '', TF_MKL_ALLOC_MAX_BYTES: '100000000' },
    });
    expect(JSON.parse(output.toString())).toEqual({ outOfMemory: true, left: 0, less: true });
  },
);

test.each([
  ['Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[8] and type float', true],
  ['Array buffer allocation failed', true],
  ['Invalid TF_Status: 3\nMessage: Matrix size-incompatible', false],
])('%j: %s', (message, expected) => {
  expect(isOutOfMemory(new Error(message))).toBe(expected);
  expect(isOutOfMemory(new Error('compiled function f', { cause: new Error(message) }))).toBe(expected);
});
