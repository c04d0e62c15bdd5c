import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EmbeddingDataset } from './embedding-dataset.js';
import { FolderStore } from './folder-store.js';
import { ShardWriter } from './shard-writer.js';
import { exampleContract, exampleRows } from './testing/rows.js';

const folder = await mkdtemp(path.join(tmpdir(), 'captrain-dataset-'));
afterAll(() => rm(folder, { recursive: true }));

/** A folder that counts what is read from it. */
class CountingStore extends FolderStore {
  readonly reads: string[] = [];
  override get(name: string): Promise<Buffer> {
    this.reads.push(name);
    return super.get(name);
  }
}

const rows = exampleRows(40);
const samples = rows.flatMap(({ captions, ...row }) => captions.map((caption) => ({ ...row, caption })));
beforeAll(async () => {
  const writer = await ShardWriter.create(new FolderStore(folder), exampleContract(), { rowsPerShard: 3 });
  for (const row of rows) await writer.add({ ...row, split: 'train' });
  await writer.add({ ...rows[0]!, split: 'test', captions: [] });
  await writer.close();
});

it('knows every caption by its number, with its image', async () => {
  const dataset = await EmbeddingDataset.open(new FolderStore(folder), 'train');
  expect([dataset.rows, dataset.captions, dataset.dim]).toEqual([40, samples.length, 8]);
  for (const [i, sample] of samples.entries()) expect(await dataset.sample(i)).toEqual(sample);
  await expect(dataset.sample(samples.length)).rejects.toThrow(RangeError);
});

it('gives many samples at once, in the order asked for', async () => {
  const dataset = await EmbeddingDataset.open(new FolderStore(folder), 'train');
  const indices = [31, 2, 2, 59, 0];
  const { embeddings, images, captions } = await dataset.samples(indices);
  expect(captions).toEqual(indices.map((i) => samples[i]!.caption));
  const vectorOf = (image: number) => [...embeddings.subarray(image * 8, (image + 1) * 8)];
  expect(images.map(vectorOf)).toEqual(indices.map((i) => [...samples[i]!.embedding]));
});

it('gives each image once, in the order in which captions first name it', async () => {
  const dataset = await EmbeddingDataset.open(new FolderStore(folder), 'train');
  const ofImage = (id: string) => [...samples.keys()].filter((i) => samples[i]!.imageId === id);
  // In different shards, where rows have the same numbers.
  const [some, others] = [ofImage('image-1.jpg'), ofImage('image-13.jpg')];
  expect([some.length, others.length]).toEqual([3, 3]);
  const { embeddings, images } = await dataset.samples([others[1]!, some[2]!, others[0]!, some[0]!]);
  expect(images).toEqual([0, 1, 0, 1]);
  expect([...embeddings]).toEqual([...rows[13]!.embedding, ...rows[1]!.embedding]);
});

it('knows where the captions of every image begin', async () => {
  const store = new CountingStore(folder);
  const dataset = await EmbeddingDataset.open(store, 'train');
  const firstCaption = await dataset.firstCaptions();
  let captions = 0;
  const expected = rows.map((row) => (captions += row.captions.length) - row.captions.length);
  expect([...firstCaption]).toEqual([...expected, captions]);
  expect(new Set(store.reads).size).toBe(store.reads.length);
});

it('loads a shard when it is needed, and once, however many ask', async () => {
  const store = new CountingStore(folder);
  const dataset = await EmbeddingDataset.open(store, 'train');
  expect(store.reads).toEqual(['manifest.json']);
  await Promise.all([0, 1, 2, 0, 1, 2].map((i) => dataset.sample(i)));
  expect(store.reads.filter((name) => name === 'train-00000.arrow')).toHaveLength(1);
  await Promise.all([...samples.keys(), ...samples.keys()].map((i) => dataset.sample(i)));
  expect(new Set(store.reads).size).toBe(store.reads.length);
});

it('goes through all images in order, those without captions too', async () => {
  const read = async (split: string) => {
    const list = [];
    for await (const row of (await EmbeddingDataset.open(new FolderStore(folder), split)).eachRow())
      list.push(row);
    return list;
  };
  expect(await read('train')).toEqual(rows);
  expect(await read('test')).toEqual([{ ...rows[0], captions: [] }]);
});

it('refuses data of another dim or encoder, naming both', async () => {
  const open = (expect: object) => EmbeddingDataset.open(new FolderStore(folder), 'train', { expect });
  await open({ dim: 8, encoder: 'openai/clip-vit-base-patch32', encoderRevision: 'sha256:0123' });
  await expect(open({ dim: 512 })).rejects.toThrow(
    `${folder} holds embeddings with dim 8, but the run expects 512; name the data that the run was made for`,
  );
  await expect(open({ encoder: 'RN50x4' })).rejects.toThrow(
    'openai/clip-vit-base-patch32, but the run expects RN50x4',
  );
});

it('refuses a split that is not there', async () => {
  const open = EmbeddingDataset.open(new FolderStore(folder), 'val');
  await expect(open).rejects.toThrow(`${folder} has no split "val"; it has train, test`);
});

it('names a shard that was cut short or lost, and goes on once it is there again', async () => {
  const store = new FolderStore(folder);
  const dataset = await EmbeddingDataset.open(store, 'train');
  const whole = await store.get('train-00002.arrow');
  await truncate(path.join(folder, 'train-00002.arrow'), 100);
  const inShard2 = samples.findIndex(({ imageId }) => imageId === 'image-6.jpg');
  await expect(dataset.sample(inShard2)).rejects.toThrow(`${folder}/train-00002.arrow is cut short`);
  await store.delete('train-00002.arrow');
  await expect(dataset.sample(inShard2)).rejects.toThrow(`${folder}/train-00002.arrow is missing`);
  await store.put('train-00002.arrow', whole);
  expect(await dataset.sample(inShard2)).toEqual(samples[inShard2]);
});
