import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDemoFolder } from './demo-folder.js';

let parent: string;
beforeEach(async () => void (parent = await mkdtemp(path.join(tmpdir(), 'captrain-demo-folder-'))));
afterEach(() => rm(parent, { recursive: true }));

it('replaces what an earlier demo wrote', async () => {
  const folder = path.join(parent, 'demo');
  await makeDemoFolder(folder);
  await writeFile(path.join(folder, 'report.html'), 'old');
  await makeDemoFolder(folder);
  expect(await readdir(folder)).toEqual(['.captrain-demo']);
});

it('refuses a folder with other files, and leaves them there', async () => {
  const file = path.join(parent, 'thesis.txt');
  await writeFile(file, 'precious');
  const failure = await makeDemoFolder(parent).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UserError);
  expect((failure as Error).message).toMatch(/holds files that are not of a demo; name another --out/);
  await access(file);
});

it('says in one sentence that it cannot write', async () => {
  const file = path.join(parent, 'file');
  await writeFile(file, '');
  await expect(makeDemoFolder(path.join(file, 'demo'))).rejects.toThrow(
    /^Cannot write to .*; name another --out$/,
  );
});
