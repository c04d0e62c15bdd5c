import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError, sha256 } from '@captrain/runtime';
import { tableFromIPC } from 'apache-arrow';
import { encodeShard } from './encode-shard.js';
import { FolderStore } from './folder-store.js';
import { readManifest } from './manifest.js';
import { readShard } from './read-shard.js';
import { ShardWriter } from './shard-writer.js';
import { exampleContract, exampleRows } from './testing/rows.js';

const root = await mkdtemp(path.join(tmpdir(), 'captrain-shards-'));
let count = 0;
const newStore = () => new FolderStore(path.join(root, String(count++)));
afterAll(() => rm(root, { recursive: true }));

async function writeAll(store: FolderStore, rowsPerShard: number) {
  const writer = await ShardWriter.create(store, exampleContract(), { rowsPerShard });
  for (const [i, row] of exampleRows(25).entries())
    await writer.add({ ...row, split: i % 5 === 0 ? 'val' : 'train' });
  return writer.close();
}

it('rolls shards by rows, a series for each split, and describes them in the manifest', async () => {
  const store = newStore();
  await writeAll(store, 8);
  const { content } = await readManifest(store);
  expect(content.shards.map(({ path, rows }) => [path, rows])).toEqual([
    ['val-00000.arrow', 5],
    ['train-00000.arrow', 8],
    ['train-00001.arrow', 8],
    ['train-00002.arrow', 4],
  ]);
  expect(content.splits).toEqual({
    val: ['val-00000.arrow'],
    train: ['train-00000.arrow', 'train-00001.arrow', 'train-00002.arrow'],
  });
  expect(content.totals.rows).toBe(25);
  for (const { path, bytes, sha256: digest } of content.shards) {
    const file = await store.get(path);
    expect([file.length, sha256(file)]).toEqual([bytes, digest]);
  }
});

it('writes the same bytes for the same rows', async () => {
  const [one, two] = [newStore(), newStore()];
  await writeAll(one, 8);
  await writeAll(two, 8);
  expect(await one.get('manifest.json')).toEqual(await two.get('manifest.json'));
  // Not in this process only: another version of the Arrow library must not change data sets unnoticed.
  expect(sha256(encodeShard(exampleContract(), exampleRows(25)))).toBe(
    'b825ab6035efd215bdc44935fa9ccc7d15d3c17b73cf624de793f806665861fd',
  );
});

describe.each(['float16', 'float32'] as const)('a shard of %s', (dtype) => {
  it('gives every row back', () => {
    const contract = exampleContract({ dtype });
    const rows = exampleRows(25);
    const bytes = encodeShard(contract, rows);
    const captions = rows.flatMap((row) => row.captions);
    const entry = { path: 'x', split: 'train', rows: 25, captions: captions.length, bytes: bytes.length };
    const shard = readShard(bytes, { ...entry, sha256: sha256(bytes) }, contract, 'x');
    const embedding = new Float32Array(8);
    for (const [i, row] of rows.entries()) {
      shard.readEmbedding(i, embedding);
      expect({ imageId: shard.imageId(i), embedding, captions: shard.captionsOf(i) }).toEqual(row);
    }
    expect(captions.map((_, i) => shard.caption(i))).toEqual(captions);
    let caption = 0;
    rows.forEach((row, i) => row.captions.forEach(() => expect(shard.rowOf(caption++)).toBe(i)));
  });

  it('is a plain Arrow file of the documented schema', () => {
    const table = tableFromIPC(encodeShard(exampleContract({ dtype }), exampleRows(3)));
    const types = table.schema.fields.map(({ name, type }) => `${name}: ${String(type)}`);
    const value = dtype === 'float16' ? 'Float16' : 'Float32';
    expect(types).toEqual([
      'image_id: Utf8',
      `embedding: FixedSizeList[8]<${value}>`,
      'captions: List<Utf8>',
    ]);
    expect(JSON.parse(table.schema.metadata.get('captrain')!)).toEqual(exampleContract({ dtype }));
    expect([...table.getChild('captions')!.get(1)!]).toEqual(exampleRows(2)[1]!.captions);
  });
});

it('writes the manifest last, and refuses to write over a data set unless told to', async () => {
  const store = newStore();
  const writer = await ShardWriter.create(store, exampleContract(), { rowsPerShard: 1 });
  await writer.add({ ...exampleRows(1)[0]!, split: 'train' });
  await expect(readManifest(store)).rejects.toThrow('holds no embeddings');
  await writer.close();
  await expect(ShardWriter.create(store, exampleContract())).rejects.toThrow('holds embeddings already');
  await ShardWriter.create(store, exampleContract(), { replace: true });
  await expect(readManifest(store)).rejects.toThrow('holds no embeddings');
});

it('refuses rows that would spoil the data, naming the image', async () => {
  const writer = await ShardWriter.create(newStore(), exampleContract());
  const [row] = exampleRows(1);
  const add = (changes: object) => writer.add({ ...row!, split: 'train', ...changes });
  const vector = (value: number) => ({ embedding: Float32Array.from({ length: 8 }, () => value) });
  await expect(add({ embedding: new Float32Array(7) })).rejects.toThrow(
    '"image-0.jpg" has a vector of 7 values',
  );
  await expect(add(vector(NaN))).rejects.toThrow('the value NaN in its vector');
  await expect(add(vector(-Infinity))).rejects.toThrow(UserError);
  await expect(add(vector(70_000))).rejects.toThrow('which float16 cannot hold');
  await expect(add({ imageId: '' })).rejects.toThrow('no id');
  await expect(add({ captions: ['broken \ud800'] })).rejects.toThrow('a caption that is broken Unicode');
  await expect(add({ split: '../x' })).rejects.toThrow('no name for a split');
});
