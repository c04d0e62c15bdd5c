import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = path.join(import.meta.dirname, 'run.mjs');

let folder;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'captrain-run-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(args, environment = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
  });
  return { status, stdout, stderr };
}

test('on a machine without the tools, each missing one is a sentence with the command that mends it', () => {
  const onlyNode = path.join(folder, 'bin');
  mkdirSync(onlyNode);
  symlinkSync(process.execPath, path.join(onlyNode, 'node'));
  const { status, stderr } = run([], {
    PATH: onlyNode,
    CAPTRAIN_CACHE: path.join(folder, 'cache'),
    CAPTRAIN_DEVICE: 'cpu',
    CXX: '',
  });
  expect(status).toBe(2);
  const lines = stderr.trim().split('\n');
  expect(lines).toHaveLength(4);
  for (const tool of ['Python 3', "Python's pip", 'a C++17 compiler', 'make']) {
    expect(lines.some((line) => line.startsWith(`captrain: ${tool} is missing: `))).toBe(true);
  }
});

test('an unknown name is refused before anything is installed', () => {
  const { status, stderr } = run(['deom'], { CAPTRAIN_CACHE: path.join(folder, 'cache') });
  expect(status).toBe(2);
  expect(stderr).toBe(
    'captrain: there is no "deom" to run: name one of demo, captrain, bench, parity, chaos, profile, test, check.\n',
  );
});

test('a cache that cannot be written is named', () => {
  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  const { status, stderr } = run([], { CAPTRAIN_CACHE: path.join(file, 'cache'), CAPTRAIN_DEVICE: 'cpu' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^captrain: .*\/file\/cache.* set CAPTRAIN_CACHE to a folder that is\.\n$/);
});
