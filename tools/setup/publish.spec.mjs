import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.mjs';
import { publish } from './publish.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'captrain-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Another process that publishes `target`: it writes half, waits to be told by a file, then writes the rest. */
function publisher(target, goOn) {
  const program = `
    import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { publish } from ${JSON.stringify(path.join(import.meta.dirname, 'publish.mjs'))};
    await publish(${JSON.stringify(target)}, async (staging) => {
      appendFileSync(${JSON.stringify(`${target}.made`)}, 'x');
      writeFileSync(staging + '/half', '1');
      while (!existsSync(${JSON.stringify(goOn)})) await sleep(20);
      writeFileSync(staging + '/whole', '2');
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  return { child, ended: new Promise((resolve) => child.on('close', resolve)) };
}

async function until(condition) {
  while (!condition()) await sleep(20);
}

const staged = (target) => readdirSync(path.dirname(target)).some((name) => name.includes('.staging-'));

test('two set-ups at once make a thing once, and both find it whole', async () => {
  const target = path.join(folder, 'library');
  const goOn = path.join(folder, 'go-on');
  const both = [publisher(target, goOn), publisher(target, goOn)];
  await until(() => staged(target));
  await sleep(300);
  writeFileSync(goOn, '');
  expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([0, 0]);
  expect(readFileSync(`${target}.made`, 'utf8')).toBe('x');
  expect(readdirSync(target).sort()).toEqual(['half', 'whole']);
});

test('a killed set-up leaves nothing under the final name, and the next one takes over and clears up', async () => {
  const target = path.join(folder, 'library');
  const goOn = path.join(folder, 'go-on');
  const first = publisher(target, goOn);
  await until(() => staged(target));
  first.child.kill('SIGKILL');
  await first.ended;
  expect(existsSync(target)).toBe(false);
  expect(existsSync(`${target}.lock`)).toBe(true);

  writeFileSync(goOn, '');
  expect(await publisher(target, goOn).ended).toBe(0);
  expect(readdirSync(target).sort()).toEqual(['half', 'whole']);
  expect(readdirSync(folder).sort()).toEqual(['go-on', 'library', 'library.made']);
});

test('what fails leaves neither a lock nor a half-made thing', async () => {
  const target = path.join(folder, 'library');
  await expect(publish(target, () => Promise.reject(new Error('no compiler')))).rejects.toThrow(
    'no compiler',
  );
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock lets one in at a time', async () => {
  const events = [];
  const work = (name) =>
    withLock(path.join(folder, 'lock'), async () => {
      events.push(`${name} in`);
      await sleep(50);
      events.push(`${name} out`);
    });
  await Promise.all([work('a'), work('b'), work('c')]);
  for (let i = 0; i < events.length; i += 2) expect(events[i + 1]).toBe(events[i].replace('in', 'out'));
  expect(events).toHaveLength(6);
});
