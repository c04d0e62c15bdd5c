import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { digestOfFile } from './digest.mjs';
import { fetchWheel } from './wheels.mjs';

const name = 'captrain_probe-1.0-py3-none-any.whl';
const makeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('captrain_probe.py', '')
    wheel.writestr('captrain_probe-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: captrain-probe\\nVersion: 1.0\\n')
    wheel.writestr('captrain_probe-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('captrain_probe-1.0.dist-info/RECORD', '')
`;

let cache;
let index;
/** A package index of one wheel: a folder, which the user's own pip configuration names. */
beforeEach(() => {
  cache = mkdtempSync(path.join(os.tmpdir(), 'captrain-cache-'));
  index = mkdtempSync(path.join(os.tmpdir(), 'captrain-index-'));
  execFileSync('python3', ['-c', makeWheel, path.join(index, name)]);
  vi.stubEnv('CAPTRAIN_CACHE', cache);
  vi.stubEnv('PIP_NO_INDEX', '1');
  vi.stubEnv('PIP_FIND_LINKS', index);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of [cache, index]) rmSync(folder, { recursive: true });
});

test('a wheel comes from the index that pip is configured for, and is kept under its verified digest', async () => {
  const sha256 = await digestOfFile(path.join(index, name));
  const file = await fetchWheel({ package: 'captrain-probe', version: '1.0', sha256 });
  expect(readFileSync(file)).toEqual(readFileSync(path.join(index, name)));
  expect(readdirSync(path.join(cache, 'wheels'))).toEqual([path.basename(file)]);
});

test('a wheel with other bytes is refused, and not kept', async () => {
  const refused = fetchWheel({ package: 'captrain-probe', version: '1.0', sha256: '0'.repeat(64) });
  await expect(refused).rejects.toThrow(
    /captrain-probe 1\.0 from pip has SHA-256 [0-9a-f]{64} instead of 0{64}/,
  );
  expect(readdirSync(path.join(cache, 'wheels'))).toEqual([]);
});

test('a wheel that the index lacks is named, with what to do', async () => {
  const missing = fetchWheel({ package: 'captrain-probe', version: '2.0', sha256: '0'.repeat(64) });
  await expect(missing).rejects.toThrow(/pip could not download captrain-probe 2\.0: .*pip config list/);
});
