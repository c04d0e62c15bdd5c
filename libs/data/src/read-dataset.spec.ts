import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '@captrain/runtime';
import type { DatasetImage } from './dataset-image.js';
import { listFlickr } from './flickr-dataset.js';
import { openStore } from './open-store.js';
import { readDataset, type ReadDatasetOptions } from './read-dataset.js';

const flickr8k = fileURLToPath(new URL('../../../../shared/data/flickr8k', import.meta.url));
const root = await mkdtemp(path.join(tmpdir(), 'captrain-dataset-'));
let count = 0;
afterAll(() => rm(root, { recursive: true }));

/** A folder of these files; an object is written as JSON. */
async function folderOf(files: Record<string, unknown>): Promise<string> {
  const folder = path.join(root, String(count++));
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

async function all(options: ReadDatasetOptions): Promise<DatasetImage[]> {
  const images: DatasetImage[] = [];
  for await (const image of readDataset(options)) images.push(image);
  return images;
}

const brief = (images: DatasetImage[]) =>
  images.map(({ imageId, split, captions }) => [imageId, split, captions]);

async function refusal(options: ReadDatasetOptions): Promise<string> {
  const error: unknown = await all(options).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(UserError);
  return (error as Error).message;
}

describe('Flickr8k', () => {
  it('has its 8,091 images, 40,455 captions and three splits', async () => {
    const [listing] = await listFlickr(await openStore(flickr8k));
    const { images } = listing!;
    const sizeOf = (split: string) => images.filter((image) => image.split === split).length;
    expect(images).toHaveLength(8091);
    expect(images.flatMap(({ captions }) => captions)).toHaveLength(40_455);
    expect(['train', 'val', 'test', 'rest'].map(sizeOf)).toEqual([6000, 1091, 1000, 0]);
    const quoted = images.find(({ name }) => name === '1253275679_e955fb7304.jpg');
    expect(quoted?.captions).toContain('Young boy with a black " ADHD " t-shirt nodding off');
    const comma = images.find(({ name }) => name === '1012212859_01547e3f17.jpg');
    expect(comma?.captions).toContain('A dog shakes its head near the shore , a red ball next to it .');
  });

  it('gives the pictures that are there, and says which are not', async () => {
    const missing: string[] = [];
    const onMissing = (files: readonly string[]) => missing.push(...files);
    const images = await all({ format: 'flickr8k', uri: flickr8k, missing: 'skip', onMissing });
    expect(images).toHaveLength(14);
    expect(missing).toHaveLength(8091 - 14);
    expect(images.every(({ captions }) => captions.length === 5)).toBe(true);
    for (const { file, read } of images) expect((await read()).equals(await readFile(file))).toBe(true);
    expect(await refusal({ format: 'flickr8k', uri: flickr8k })).toMatch(
      /^8077 pictures are not there that the captions of .*flickr8k are for: .*\.jpg, .*\.jpg, .*\.jpg, …; get them/,
    );
  });

  it('takes the original lists, and images outside every list as the rest', async () => {
    const uri = await folderOf({
      'captions.txt': 'image,caption\nb.jpg,a dog\na.jpg,"a ""big"" cat, asleep"\nb.jpg,  \nc.jpg,x\n',
      'Flickr_8k.trainImages.txt': 'b.jpg\r\n',
      'Flickr_8k.devImages.txt': 'a.jpg\n',
      ...{ 'images/a.jpg': 'A', 'images/b.jpg': 'B', 'images/c.jpg': 'C' },
    });
    expect(brief(await all({ format: 'flickr8k', uri }))).toEqual([
      ['c.jpg', 'rest', ['x']],
      ['b.jpg', 'train', ['a dog']],
      ['a.jpg', 'val', ['a "big" cat, asleep']],
    ]);
  });

  it('refuses what is wrong with its files, with the place', async () => {
    const flickr = async (files: Record<string, unknown>) =>
      refusal({ format: 'flickr8k', uri: await folderOf({ 'images/a.jpg': '', ...files }) });
    expect(await flickr({})).toContain('has no captions.txt');
    expect(await flickr({ 'captions.txt': 'a.jpg,hello\n' })).toContain(
      'does not begin with the line "image,caption"',
    );
    expect(await flickr({ 'captions.txt': 'image,caption\na.jpg,one\na.jpg,two,three\n' })).toMatch(
      /is not CSV.*line 3/,
    );
    expect(await flickr({ 'captions.txt': 'image,caption\na.jpg,"open\n' })).toMatch(/is not CSV/);
    expect(await flickr({ 'captions.txt': 'image,caption\na.jpg,\n' })).toContain('has no captions');
    const captions = { 'captions.txt': 'image,caption\na.jpg,one\n' };
    expect(await flickr({ ...captions, 'Flickr_8k.testImages.txt': 'z.jpg\n' })).toContain(
      'has z.jpg, which has no',
    );
    const twice = { 'Flickr_8k.testImages.txt': 'a.jpg\n', 'Flickr_8k.trainImages.txt': 'a.jpg\n' };
    expect(await flickr({ ...captions, ...twice })).toContain('which the list for test has too');
  });
});

describe('COCO', () => {
  const coco = (ids: number[], captions: [id: number, imageId: number, text: string][], split?: string) => ({
    info: { year: 2017 },
    images: ids.map((id) => ({ id, file_name: `${id}.jpg`, license: 3, ...(split && { split }) })),
    annotations: captions.map(([id, image_id, caption]) => ({ id, image_id, caption })),
  });
  const standard = {
    'annotations/captions_train2017.json': coco([10, 9], [[7, 10, 'two\n'], [3, 10, 'one'], [5, 9, ' nine ']]), // prettier-ignore
    'annotations/captions_val2017.json': coco([2], [[1, 2, 'val']]),
    'annotations/instances_val2017.json': {},
    ...{ 'train2017/9.jpg': '9', 'train2017/10.jpg': '10', 'val2017/2.jpg': '2' },
  };

  it('is read in the standard layout: a split for each file, images by number, captions by id', async () => {
    const uri = await folderOf(standard);
    const images = await all({ format: 'coco', uri });
    expect(brief(images)).toEqual([
      ['9', 'train', ['nine']],
      ['10', 'train', ['one', 'two']],
      ['2', 'val', ['val']],
    ]);
    expect(images[1]!.file).toBe(`${uri}/train2017/10.jpg`);
    expect((await images[1]!.read()).toString()).toBe('10');
  });

  it('is read from one captions file, with its pictures beside, above, or where told', async () => {
    const uri = await folderOf({
      ...standard,
      'captions.json': coco([1], [[1, 1, 'x']]),
      'images/1.jpg': '1',
    });
    expect(brief(await all({ format: 'coco', uri: `${uri}/annotations/captions_val2017.json` }))).toEqual([
      ['2', 'val', ['val']],
    ]);
    const [beside] = await all({ format: 'coco', uri: `${uri}/captions.json`, split: 'test' });
    expect([beside?.file, beside?.split]).toEqual([`${uri}/images/1.jpg`, 'test']);
    const elsewhere = await folderOf({ '1.jpg': 'other' });
    const [told] = await all({ format: 'coco', uri: `${uri}/captions.json`, images: elsewhere });
    expect((await told!.read()).toString()).toBe('other');
  });

  it('takes the split of each image, and the form of the Karpathy splits', async () => {
    const own = coco([1], [[1, 1, 'x']], 'test');
    const karpathy = {
      images: [
        {
          cocoid: 5,
          imgid: 0,
          filepath: 'val2014',
          filename: 'v.jpg',
          split: 'restval',
          sentences: [{ raw: 'five' }],
        },
        {
          cocoid: 4,
          imgid: 1,
          filepath: 'val2014',
          filename: 'w.jpg',
          split: 'val',
          sentences: [{ raw: 'four' }],
        },
      ],
    };
    const files = {
      'own.json': own,
      'k.json': karpathy,
      '1.jpg': '',
      'val2014/v.jpg': '',
      'val2014/w.jpg': '',
    };
    const uri = await folderOf(files);
    expect(brief(await all({ format: 'coco', uri: `${uri}/own.json` }))).toEqual([['1', 'test', ['x']]]);
    expect(brief(await all({ format: 'coco', uri: `${uri}/k.json` }))).toEqual([
      ['5', 'train', ['five']],
      ['4', 'val', ['four']],
    ]);
  });

  it('refuses what is wrong, with file and place', async () => {
    const read = async (content: unknown, options: Partial<ReadDatasetOptions> = {}) =>
      refusal({
        format: 'coco',
        uri: `${await folderOf({ 'c.json': content, '1.jpg': '' })}/c.json`,
        ...options,
      });
    expect(await read('{"images": [\n  {"id": 1,}\n]}')).toMatch(
      /c\.json is not JSON: .* at line 2, column 12/,
    );
    expect(await read({ images: [{ id: 1 }] })).toContain('"images.0" in');
    expect(await read({ images: [], annotations: [{ image_id: 1 }] })).toContain(
      '"annotations.0.caption" in',
    );
    expect(await read(coco([1, 1], []))).toContain('two images with the id 1');
    expect(await read(coco([1], [[1, 2, 'x']]))).toContain('is for the image 2, which it does not list');
    expect(await read(coco([1], []))).toContain('has no captions');
    expect(await read(coco([1, 2], [[1, 2, 'x']]))).toMatch(/^1 picture is not there .*\/2\.jpg; get them/);
    expect(await read(coco([2], [[1, 2, 'x']]), { missing: 'skip' })).toContain('None of the pictures');
    expect(await refusal({ format: 'coco', uri: '/no/such/folder' })).toBe(
      "There is no folder /no/such/folder; check the data set's path",
    );
    expect(await refusal({ format: 'coco', uri: `${root}/none.json` })).toContain(
      `${root}/none.json does not exist`,
    );
    expect(await refusal({ format: 'coco', uri: root })).toContain('has no annotations/captions_*.json');
  });
});
