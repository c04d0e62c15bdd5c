import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freeMemory, leftOfControlGroups } from './free-memory.js';
import { startEngine } from './start-engine.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-groups-'));
beforeAll(() => startEngine({ device: 'cpu' }));
afterAll(() => rmSync(root, { recursive: true }));

function writeGroup(group: string, limit: string, used: number, files: number): void {
  const folder = path.join(root, group);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'memory.max'), `${limit}\n`);
  writeFileSync(path.join(folder, 'memory.current'), `${used}\n`);
  writeFileSync(path.join(folder, 'memory.stat'), `anon 5\ninactive_file ${files}\n`);
}

test('is shared evenly by those who compute on the same device', () => {
  const { bytes, onHost } = freeMemory(1);
  expect(onHost).toBe(true);
  expect(bytes).toBeGreaterThan(1e6);
  expect(bytes).toBeLessThanOrEqual(totalmem());
  expect(freeMemory(4).bytes).toBeLessThan(bytes / 2);
});

test("is bounded by the tightest of a process's control groups, whose cached files count as free", () => {
  writeGroup('a', '1000', 700, 50);
  writeGroup('a/b', 'max', 300, 0);
  expect(leftOfControlGroups(root, '/a/b')).toBe(350);
  writeGroup('a/b', '400', 300, 20);
  expect(leftOfControlGroups(root, '/a/b')).toBe(120);
});

test('has no bound where there are no such groups', () => {
  expect(leftOfControlGroups(path.join(root, 'nothing'), '/')).toBe(Infinity);
});
