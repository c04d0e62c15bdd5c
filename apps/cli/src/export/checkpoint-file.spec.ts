import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ObjectStore, openStore } from '@captrain/data';
import { type Checkpoint, MODEL_FILE, checkpointFolder } from '@captrain/model/run';
import { UserError, sha256 } from '@captrain/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withCheckpointFile } from './checkpoint-file.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-checkpoint-'));
const out = path.join(root, 'out', 'captioner');
const weights = Buffer.alloc(1000, 'weights');
const folder = checkpointFolder(1);
const signal = new AbortController().signal;
let store: ObjectStore;
beforeAll(async () => {
  store = await openStore(path.join(root, 'run'));
  await store.put(`${folder}/${MODEL_FILE}`, weights);
});
afterAll(() => rmSync(root, { recursive: true }));

/** The checkpoint, by a manifest with this digest. */
function checkpoint(digest = sha256(weights)): Checkpoint {
  const files = { [MODEL_FILE]: { bytes: weights.length, sha256: digest } };
  return { folder, manifest: { files } as unknown as Checkpoint['manifest'] };
}

/** The same objects under an address where no file lies. */
function farStore(): ObjectStore {
  const far = Object.create(store) as ObjectStore;
  return Object.assign(far, { uri: 's3://bucket/run', getRange: store.getRange.bind(store) });
}

test('a local checkpoint is used where it lies', async () => {
  await withCheckpointFile(store, checkpoint(), { beside: out, signal }, async (file) =>
    expect(file).toBe(path.join(root, 'run', folder, MODEL_FILE)),
  );
});

test('one in an object store is fetched next to the output, and goes again', async () => {
  let used = '';
  await withCheckpointFile(farStore(), checkpoint(), { beside: out, signal }, async (file) => {
    used = file;
    expect(path.dirname(path.dirname(file))).toBe(path.dirname(out));
    expect(readFileSync(file)).toEqual(weights);
  });
  expect(existsSync(used)).toBe(false);
  expect(readdirSync(path.dirname(out))).toEqual([]);
});

test('one with another digest than its manifest says is refused, and goes too', async () => {
  for (const each of [store, farStore()]) {
    const use = () => Promise.reject(new Error('used'));
    const thrown = await withCheckpointFile(each, checkpoint('0'), { beside: out, signal }, use).catch(
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(UserError);
    expect((thrown as UserError).message).toContain(`${each.uri}/${folder}/${MODEL_FILE} is damaged`);
  }
  expect(readdirSync(path.dirname(out))).toEqual([]);
});
