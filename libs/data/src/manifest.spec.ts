import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { UserError } from '@captrain/runtime';
import { manifestOf, readManifest, type ShardEntry } from './manifest.js';
import { FolderStore } from './folder-store.js';
import { exampleContract } from './testing/rows.js';

const folder = await mkdtemp(path.join(tmpdir(), 'captrain-manifest-'));
const store = new FolderStore(folder);
afterAll(() => rm(folder, { recursive: true }));

const shard = (path: string, split: string, captions = 5): ShardEntry => ({
  path,
  split,
  rows: 3,
  captions,
  bytes: 100,
  sha256: 'ab'.repeat(32),
});
const manifest = () => manifestOf(exampleContract(), [shard('a.arrow', 'train'), shard('b.arrow', 'val', 0)]);

/** The message of the UserError that reading this text as a manifest ends in. */
async function refusal(text: string): Promise<string> {
  await store.put('manifest.json', text);
  const error: unknown = await readManifest(store).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(UserError);
  return (error as Error).message;
}

it('reads what was written, and has the same digest however it is laid out', async () => {
  await store.put('manifest.json', JSON.stringify(manifest()));
  const tight = await readManifest(store);
  const reordered = Object.fromEntries(Object.entries(manifest()).toReversed());
  await store.put('manifest.json', JSON.stringify(reordered, null, 4));
  const loose = await readManifest(store);
  expect(tight.content).toEqual(manifest());
  expect(loose.digest).toBe(tight.digest);
  expect(tight.captionsOf('train')).toBe(5);
  await store.put('manifest.json', JSON.stringify({ ...manifest(), software: 'captrain 9' }));
  expect((await readManifest(store)).digest).not.toBe(tight.digest);
});

it('says that a folder holds no embeddings', async () => {
  await expect(readManifest(store.child('elsewhere'))).rejects.toThrow(
    `${folder}/elsewhere holds no embeddings: it has no manifest.json`,
  );
});

it('names line and column of text that is not JSON', async () => {
  expect(await refusal('{\n  "version": 1,\n  "dim": ,\n}')).toMatch(
    `${folder}/manifest.json is not JSON: value expected at line 3, column 10`,
  );
  expect(await refusal('')).toContain('at line 1, column 1');
});

it('names file and field of what is wrong, unknown, or missing', async () => {
  const broken = (change: (draft: ReturnType<typeof manifest>) => unknown) => {
    const draft = manifest();
    change(draft);
    return refusal(JSON.stringify(draft));
  };
  expect(await broken((draft) => (draft.dim = -1))).toContain(`"dim" in ${folder}/manifest.json is -1`);
  expect(await broken((draft) => (draft.version = 2 as 1))).toContain('"version" in');
  expect(await broken((draft) => Object.assign(draft, { encodr: 'x' }))).toContain('"encodr" in');
  expect(await broken((draft) => delete (draft as { encoder?: string }).encoder)).toContain('"encoder" in');
  expect(await broken((draft) => (draft.shards[1]!.sha256 = 'xyz'))).toContain('"shards.1.sha256" in');
  expect(await broken((draft) => (draft.shards[1]!.path = 'a.arrow'))).toContain('"shards.1.path" in');
  expect(await broken((draft) => (draft.totals.rows = 7))).toContain('"totals.rows" in');
  expect(await broken((draft) => draft.splits['val']!.push('c.arrow'))).toContain('"splits.val.1" in');
  expect(await broken((draft) => (draft.splits['val'] = []))).toContain('must be listed in its split');
});

it('refuses a split that is not there, empty, or without captions', async () => {
  await store.put('manifest.json', JSON.stringify(manifest()));
  const read = await readManifest(store);
  expect(() => read.captionsOf('test')).toThrow(`${folder} has no split "test"; it has train, val`);
  expect(() => read.captionsOf('toString')).toThrow(UserError);
  expect(() => read.captionsOf('val')).toThrow('The images of split "val"');
  await store.put('manifest.json', JSON.stringify(manifestOf(exampleContract(), [])));
  const empty = await readManifest(store);
  expect(() => empty.captionsOf('train')).toThrow('is an empty data set');
});
