import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sha256, sha256OfFile } from './digest.js';

test('a file has the digest of its bytes, in whatever parts they are hashed', async () => {
  const bytes = Buffer.alloc(3_000_001, 'captrain');
  const folder = mkdtempSync(path.join(tmpdir(), 'captrain-digest-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'weights');
  writeFileSync(file, bytes);
  expect(await sha256OfFile(file)).toBe(sha256(bytes));
  expect(sha256(bytes.subarray(0, 1000), bytes.subarray(1000))).toBe(sha256(bytes));
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
