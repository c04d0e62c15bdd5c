import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ObjectStore, openStore } from '@captrain/data/store';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CheckpointLog } from './checkpoint-log.js';
import { FILE_NAMES, commitSteps, writeExampleFiles } from './example-run.cases.js';
import { newestValidCheckpoint } from './newest-valid-checkpoint.js';
import { manifestJson } from './checkpoint-manifest.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-newest-'));
const whole = path.join(root, 'whole');
beforeAll(async () => {
  const run = await openStore(whole);
  await commitSteps(run, await CheckpointLog.open(run, { term: 1 }), [100, 200, 300]);
});
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
/** A copy of a run with three checkpoints. */
async function copyOfRun(): Promise<{ run: ObjectStore; at: (name: string) => string }> {
  const folder = path.join(root, String(count++));
  await cp(whole, folder, { recursive: true });
  return { run: await openStore(folder), at: (name) => path.join(folder, 'checkpoints', name) };
}

async function newest(run: ObjectStore): Promise<{ step: number | undefined; said: string[] }> {
  const said: string[] = [];
  const found = await newestValidCheckpoint(run, { say: (sentence) => void said.push(sentence) });
  return { step: found?.manifest.step, said };
}

const NEWEST = 'step-00000300';
const files = [...FILE_NAMES, 'manifest.json'];

describe('the newest valid checkpoint', () => {
  test('is the one that LATEST names, without a word', async () => {
    const { run } = await copyOfRun();
    expect(await newest(run)).toEqual({ step: 300, said: [] });
  });

  test('is none where there is none', async () => {
    const run = await openStore(path.join(root, 'nothing'));
    expect(await newest(run)).toEqual({ step: undefined, said: [] });
    await writeExampleFiles(run, 100);
    expect(await newest(run)).toEqual({ step: undefined, said: [] });
  });

  test.each(files)('is the one before where %s is cut at any tenth', async (name) => {
    for (let tenths = 0; tenths < 10; tenths++) {
      const { run, at } = await copyOfRun();
      const file = at(`${NEWEST}/${name}`);
      truncateSync(file, Math.floor((readFileSync(file).length * tenths) / 10));
      const { step, said } = await newest(run);
      expect(step).toBe(200);
      expect(said).toEqual([
        expect.stringMatching(/ is damaged: .*; checkpoints\/step-00000200 is used instead\.$/),
      ]);
      expect(said[0]).toContain(`${file} is damaged`);
    }
  });

  test.each(files)('is the one before where a byte of %s is another', async (name) => {
    const bytes = readFileSync(path.join(whole, 'checkpoints', NEWEST, name));
    for (let at = 0; at < bytes.length; at += 61) {
      const { run, at: place } = await copyOfRun();
      const changed = Buffer.from(bytes);
      // A digit becomes another one, so that a manifest is JSON still.
      changed[at]! ^= 1;
      writeFileSync(place(`${NEWEST}/${name}`), changed);
      const { step, said } = await newest(run);
      if (name === 'manifest.json' && isSameJson(bytes, changed)) continue;
      expect({ at, step }).toEqual({ at, step: 200 });
      expect(said[0]).toContain(`${place(`${NEWEST}/${name}`)} is damaged: `);
      rmSync(run.uri, { recursive: true });
    }
  });

  test.each(files)('is the one before where %s is missing', async (name) => {
    const { run, at } = await copyOfRun();
    rmSync(at(`${NEWEST}/${name}`));
    expect(await newest(run)).toEqual({
      step: 200,
      said: [`${at(`${NEWEST}/${name}`)} is missing; checkpoints/step-00000200 is used instead.`],
    });
  });

  test('is two before where two are damaged, each with its sentence', async () => {
    const { run, at } = await copyOfRun();
    truncateSync(at(`${NEWEST}/${FILE_NAMES[2]}`), 17);
    rmSync(at(`step-00000200/${FILE_NAMES[0]}`));
    expect(await newest(run)).toEqual({
      step: 100,
      said: [
        `${at(`${NEWEST}/${FILE_NAMES[2]}`)} is damaged: it has 17 bytes instead of 3000; checkpoints/step-00000100 is used instead.`,
        `${at(`step-00000200/${FILE_NAMES[0]}`)} is missing; checkpoints/step-00000100 is used instead.`,
      ],
    });
  });

  test('is a newer one than LATEST names where that is whole', async () => {
    const { run } = await copyOfRun();
    await run.put('checkpoints/step-00000400/manifest.json', manifestJson(await writeExampleFiles(run, 400)));
    expect(await newest(run)).toEqual({ step: 400, said: [] });
    await run.put(`checkpoints/step-00000400/${FILE_NAMES[1]}`, 'half');
    expect(await newest(run)).toMatchObject({
      step: 300,
      said: [expect.stringContaining('has 4 bytes instead')],
    });
    await run.delete('checkpoints/step-00000400/manifest.json');
    expect(await newest(run)).toEqual({ step: 300, said: [] });
  });

  test.each([
    ['empty', ''],
    ['garbage', '\0\u{1f648}step'],
    ['a path', '../../secret'],
    ['of a coordinator that found it damaged', 'none\nterm 4\n'],
  ])('is found where LATEST is %s', async (_, content) => {
    const { run, at } = await copyOfRun();
    await run.put('checkpoints/LATEST', content);
    const said = [`${at('LATEST')} names no checkpoint; checkpoints/${NEWEST} is used instead.`];
    expect(await newest(run)).toEqual({ step: 300, said });
    // The next coordinator mends it.
    await commitSteps(run, await CheckpointLog.open(run, { term: 5 }), [400]);
    expect(await newest(run)).toEqual({ step: 400, said: [] });
  });

  test('is found where LATEST is missing, or names one that is gone', async () => {
    const { run, at } = await copyOfRun();
    rmSync(at('LATEST'));
    expect((await newest(run)).said).toEqual([
      `${at('LATEST')} is missing; checkpoints/${NEWEST} is used instead.`,
    ]);
    await run.put('checkpoints/LATEST', 'step-00000999\n');
    expect((await newest(run)).said).toEqual([
      `${at('step-00000999/manifest.json')} is missing; checkpoints/${NEWEST} is used instead.`,
    ]);
  });

  test('is refused where none is whole, naming what is wrong with each', async () => {
    const { run, at } = await copyOfRun();
    for (const folder of readdirSync(at('.')).filter((name) => name.startsWith('step-')))
      truncateSync(at(`${folder}/${FILE_NAMES[0]}`), 1);
    const thrown: unknown = await newest(run).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(UserError);
    const { message } = thrown as UserError;
    for (const step of [100, 200, 300])
      expect(message).toContain(at(`step-00000${step}/${FILE_NAMES[0]} is damaged`));
    expect(message).toMatch(
      /no checkpoint of the run is whole: restore one from a copy, or start another run\.$/,
    );
  });

  test('is refused where only LATEST is left', async () => {
    const run = await openStore(path.join(root, 'only-latest'));
    await run.put('checkpoints/LATEST', 'step-00000100\n');
    await expect(newest(run)).rejects.toThrow('step-00000100/manifest.json is missing; no checkpoint');
  });

  test('is not an older one where the store fails', async () => {
    const { run } = await copyOfRun();
    const failing = Object.assign(Object.create(run) as ObjectStore, {
      uri: run.uri,
      get: run.get.bind(run),
      stat: run.stat.bind(run),
      list: run.list.bind(run),
      getRange: () => Promise.reject(new UserError('S3 does not answer')),
    });
    await expect(newest(failing)).rejects.toThrow('S3 does not answer');
  });
});

function isSameJson(a: Buffer, b: Buffer): boolean {
  try {
    return JSON.stringify(JSON.parse(a.toString())) === JSON.stringify(JSON.parse(b.toString()));
  } catch {
    return false;
  }
}
