import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { Check } from '../doctor/checks.js';
import { runCaptrain } from '../testing/run-captrain.js';

test('finds a working engine, and storage that can be read', async () => {
  const args = ['doctor', '--device', 'cpu', '--threads', '1', '--storage', tmpdir(), '--json'];
  const { code, out, err } = await runCaptrain(args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const checks = JSON.parse(out) as Check[];
  expect(checks.map(({ name }) => name)).toEqual([
    'Node',
    'machine',
    'threads',
    'engine',
    'devices',
    'arithmetic',
    'cache',
    'hub',
    'storage',
  ]);
  expect(checks.every(({ ok }) => ok)).toBe(true);
});

test('names what is not in order, goes on with the rest, and exits with 2', async () => {
  const { code, out, err } = await runCaptrain(['doctor', '--device', 'cpu', '--storage', 'ftp://host/data']);
  expect(code).toBe(2);
  expect(out).toMatch(/✓ +engine/);
  expect(out).toMatch(/✗ +storage +"ftp:\/\/host\/data" is of the kind ftp/);
  expect(err).toBe('captrain: Not in order: storage; see above\n');
});
