import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConflictError, type ObjectStore, openStore } from '@captrain/data/store';
import { type Minio, startMinio } from '@captrain/data/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CheckpointLog } from './checkpoint-log.js';
import { commitSteps, lossOf, writeExampleFiles } from './example-run.cases.js';
import { manifestJson } from './checkpoint-manifest.js';
import { findCheckpoint } from './find-checkpoint.js';
import { newestValidCheckpoint } from './newest-valid-checkpoint.js';
import { latestTerm } from './pointer.js';
import { checkpointFolder, listCheckpoints } from './stored-checkpoints.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-log-'));
let minio: Minio | undefined;
beforeAll(async () => {
  minio = await startMinio();
  await minio?.createBucket('tests');
}, 1_200_000);
afterAll(async () => {
  await minio?.close();
  rmSync(folder, { recursive: true });
});

let count = 0;
const inFolder = () => openStore(path.join(folder, String(count++)));
const stores: [string, () => Promise<ObjectStore>][] = [
  ['a folder', inFolder],
  // Without MinIO the same holds for a folder again; `startMinio` has said why.
  ['S3', () => (minio ? openStore(`s3://tests/${count++}`, minio.env) : inFolder())],
];
const stepsOf = async (run: ObjectStore) => (await listCheckpoints(run)).map(({ step }) => step);

describe.each(stores)('the checkpoints of a run in %s', (_, open) => {
  test('are committed one after another, and found by name', async () => {
    const run = await open();
    const log = await CheckpointLog.open(run, { term: 1 });
    await expect(findCheckpoint(run, 'latest')).rejects.toThrow(`${run.uri} holds no checkpoint`);
    const committed = await log.commit(await writeExampleFiles(run, 100, { updates: 98 }));
    expect(await findCheckpoint(run, 'latest')).toEqual(committed);
    expect(committed.manifest.updates).toBe(98);
    await commitSteps(run, log, [200]);
    expect((await findCheckpoint(run, 'latest')).folder).toBe(checkpointFolder(200));
    expect(await findCheckpoint(run, 100)).toEqual(committed);
    await expect(findCheckpoint(run, 150)).rejects.toThrow(
      'no checkpoint of step 150; it has those of 100, 200.',
    );
    await expect(findCheckpoint(run, 'best')).rejects.toThrow(
      'not validated; take another by --checkpoint STEP.',
    );
  });

  test('are named by a successor where the commit of the newest was broken off behind its manifest', async () => {
    const run = await open();
    const first = await CheckpointLog.open(run, { term: 1 });
    await commitSteps(run, first, [100]);
    // As a coordinator leaves it that is killed then.
    const manifest = manifestJson(await writeExampleFiles(run, 200, lossOf(1)));
    await run.put(`${checkpointFolder(200)}/manifest.json`, manifest);
    const second = await CheckpointLog.open(run, { term: 2 });
    const newest = await newestValidCheckpoint(run, { say: () => {} });
    expect(second.latestStep).toBe(100);
    await second.finish(newest!);
    expect(await findCheckpoint(run, 'latest')).toEqual(newest);
    expect(await findCheckpoint(run, 'best')).toEqual(newest);
    // An older one, of a run whose newest is damaged, changes nothing.
    await second.finish(await findCheckpoint(run, 100));
    expect(second.latestStep).toBe(200);
  });

  test('are moved no longer by a coordinator that has a successor', async () => {
    const run = await open();
    const first = await CheckpointLog.open(run, { term: 1 });
    await commitSteps(run, first, [100]);
    const late = await writeExampleFiles(run, 200);
    const second = await CheckpointLog.open(run, { term: 2 });
    const refused = first.commit(late);
    await expect(refused).rejects.toThrow(ConflictError);
    await expect(refused).rejects.toThrow(
      'LATEST is written by another coordinator, which leads the run in term 2 where this one had term 1; stop one of them.',
    );
    await expect(first.retain(1)).rejects.toThrow(ConflictError);
    await expect(CheckpointLog.open(run, { term: 1 })).rejects.toThrow(ConflictError);
    // Nothing of it is left to be taken for a checkpoint.
    expect((await findCheckpoint(run, 'latest')).folder).toBe(checkpointFolder(100));
    expect((await listCheckpoints(run)).map(({ step, isComplete }) => [step, isComplete])).toEqual([
      [200, false],
      [100, true],
    ]);
    await second.commit(late);
    expect((await findCheckpoint(run, 'latest')).folder).toBe(checkpointFolder(200));
    expect(await latestTerm(run)).toBe(2);
  });

  test('are moved by the successor also where the one before wrote the first of all unseen', async () => {
    const run = await open();
    const first = await CheckpointLog.open(run, { term: 1 });
    const second = await CheckpointLog.open(run, { term: 2 });
    await commitSteps(run, first, [100]);
    await commitSteps(run, second, [50]);
    expect((await findCheckpoint(run, 'latest')).folder).toBe(checkpointFolder(50));
    await expect(commitSteps(run, first, [200])).rejects.toThrow(ConflictError);
  });

  test('are deleted but for the newest ones and the best, with what came to nothing', async () => {
    const run = await open();
    const log = await CheckpointLog.open(run, { term: 1 });
    await log.commit(await writeExampleFiles(run, 100, lossOf(3)));
    await log.commit(await writeExampleFiles(run, 200, lossOf(2)));
    await writeExampleFiles(run, 250);
    await log.commit(await writeExampleFiles(run, 300, lossOf(2.5)));
    await log.retain(0);
    expect(await stepsOf(run)).toEqual([300, 200, 100]);
    await commitSteps(run, log, [400, 500]);
    await writeExampleFiles(run, 600);
    await log.retain(2);
    // The files of 600 may be being written.
    expect(await stepsOf(run)).toEqual([600, 500, 400, 200]);
    expect((await findCheckpoint(run, 'best')).folder).toBe(checkpointFolder(200));
    // Another process remembers which one is the best.
    const resumed = await CheckpointLog.open(run, { term: 2 });
    await resumed.commit(await writeExampleFiles(run, 600, lossOf(2.2)));
    await resumed.commit(await writeExampleFiles(run, 700, lossOf(1.5)));
    await resumed.retain(1);
    expect(await stepsOf(run)).toEqual([700]);
    expect((await findCheckpoint(run, 'best')).folder).toBe(checkpointFolder(700));
  });

  test('stay valid or are none while they are deleted', async () => {
    const run = await open();
    const log = await CheckpointLog.open(run, { term: 1 });
    await commitSteps(run, log, [100, 200]);
    for (let isOver = false; !isOver;) {
      // A coordinator that ends after any of its deletions.
      let deletions = 0;
      const dying = Object.create(run) as ObjectStore;
      Object.assign(dying, {
        uri: run.uri,
        stat: run.stat.bind(run),
        get: run.get.bind(run),
        put: run.put.bind(run),
        list: run.list.bind(run),
        delete: async (name: string) => {
          if (deletions++ === 1) throw new Error('killed');
          await run.delete(name);
        },
      });
      const ending = await CheckpointLog.open(dying, { term: 2 });
      isOver = await ending.retain(1).then(
        () => true,
        () => false,
      );
      const old = (await listCheckpoints(run)).find(({ step }) => step === 100);
      expect(old?.isComplete ?? false).toBe(false);
      expect((await findCheckpoint(run, 'latest')).folder).toBe(checkpointFolder(200));
    }
    expect(await stepsOf(run)).toEqual([200]);
  });
});

test('LATEST names the checkpoint in its first line, and folders go with their checkpoints', async () => {
  const run = await inFolder();
  const log = await CheckpointLog.open(run, { term: 7 });
  await commitSteps(run, log, [100, 200]);
  await log.retain(1);
  expect(readdirSync(path.join(run.uri, 'checkpoints')).toSorted()).toEqual(['LATEST', 'step-00000200']);
  expect(readFileSync(path.join(run.uri, 'checkpoints/LATEST'), 'utf8')).toBe('step-00000200\nterm 7\n');
});

test('what earlier versions wrote is read', async () => {
  const run = await inFolder();
  const { updates, validation, ...old } = await writeExampleFiles(run, 100);
  expect([updates, validation]).toEqual([undefined, undefined]);
  await run.put('checkpoints/step-00000100/manifest.json', JSON.stringify(old, null, 2));
  await run.put('checkpoints/LATEST', 'step-00000100\n');
  expect((await findCheckpoint(run, 'latest')).manifest).toEqual(old);
  await commitSteps(run, await CheckpointLog.open(run, { term: 1 }), [200]);
  expect((await findCheckpoint(run, 'latest')).folder).toBe(checkpointFolder(200));
});
