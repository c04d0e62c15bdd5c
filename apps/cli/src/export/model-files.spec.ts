import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ObjectStore, openStore } from '@captrain/data';
import { type Checkpoint, checkpointFolder } from '@captrain/model/run';
import { UserError, sha256 } from '@captrain/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withModelFiles } from './model-files.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-checkpoint-'));
const out = path.join(root, 'out', 'captioner');
const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
const weights = Buffer.alloc(1000, 'weights');
const folder = checkpointFolder(1);
const signal = new AbortController().signal;
let store: ObjectStore;
beforeAll(async () => {
  store = await openStore(path.join(root, 'run'));
  for (const name of names) await store.put(`${folder}/${name}`, weights);
});
afterAll(() => rmSync(root, { recursive: true }));

/** The checkpoint, by a manifest with this digest of its second file. */
function checkpoint(digest = sha256(weights)): Checkpoint {
  const file = (sha256: string) => ({ bytes: weights.length, sha256 });
  const files = {
    [names[0]!]: file(sha256(weights)),
    [names[1]!]: file(digest),
    'optimizer.safetensors': file('0'),
  };
  return { folder, manifest: { files } as unknown as Checkpoint['manifest'] };
}

/** The same objects under an address where no file lies. */
function farStore(): ObjectStore {
  const far = Object.create(store) as ObjectStore;
  return Object.assign(far, { uri: 's3://bucket/run', getRange: store.getRange.bind(store) });
}

test('a local checkpoint is used where it lies', async () => {
  await withModelFiles(store, checkpoint(), { beside: out, signal }, async (files) =>
    expect(files).toEqual(names.map((name) => path.join(root, 'run', folder, name))),
  );
});

test('one in an object store is fetched next to the output, and goes again', async () => {
  let used = '';
  await withModelFiles(farStore(), checkpoint(), { beside: out, signal }, async (files) => {
    used = files[1]!;
    expect(files.map((file) => path.basename(file))).toEqual(names);
    expect(path.dirname(path.dirname(used))).toBe(path.dirname(out));
    expect(readFileSync(used)).toEqual(weights);
  });
  expect(existsSync(used)).toBe(false);
  expect(readdirSync(path.dirname(out))).toEqual([]);
});

test('one with another digest than its manifest says is refused, and goes too', async () => {
  for (const each of [store, farStore()]) {
    const use = () => Promise.reject(new Error('used'));
    const thrown = await withModelFiles(each, checkpoint('0'), { beside: out, signal }, use).catch(
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(UserError);
    expect((thrown as UserError).message).toContain(`${each.uri}/${folder}/${names[1]} is damaged`);
  }
  expect(readdirSync(path.dirname(out))).toEqual([]);
});
