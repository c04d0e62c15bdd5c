import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { beforeAll, expect, test } from 'vitest';
import { runFolder, tinyRun } from '../src/testing/tiny-run.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

const script = path.resolve(import.meta.dirname, '../start-or-resume.sh');

/** What the script would run: `echo` stands for the coordinator and prints its arguments. */
async function run(...args: string[]) {
  const child = spawn(script, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

test('a coordinator starts its run, and resumes it once it exists', async () => {
  const there = runFolder(folder, 'first');
  expect(await run('echo', '--run', there, '--workers=2')).toEqual({
    code: 0,
    out: `--run ${there} --workers=2\n`,
    err: '',
  });
  expect((await captrain(['train', ...tinyRun(inputs, there, 1)])).code).toBe(0);
  expect((await run('echo', `--run=${there}`)).out).toBe(`--run=${there} --resume\n`);
  expect(JSON.parse(readFileSync(path.join(there, 'config.json'), 'utf8'))).toMatchObject({ epochs: 1 });
  rmSync(path.join(there, 'config.json'));
  expect((await run('echo', `--run=${there}`)).out).toBe(`--run=${there}\n`);
});

test('without a run, or with one that cannot be asked, nothing is started', async () => {
  expect(await run('echo', '--workers=2')).toMatchObject({ code: 2, out: '' });
  const s3 = await run('echo', '--run=ftp://host/run');
  expect(s3).toMatchObject({ code: 2, out: '' });
  expect(s3.err).toMatch(/^captrain: .*ftp.*\n$/);
});
