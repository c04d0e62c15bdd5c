import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readDataset } from '@captrain/data';
import { sha256 } from '@captrain/runtime';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { annotationsOf, scenesOf, writeDataset } from './write-dataset.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'captrain-scenes-'));
  await writeDataset(folder, { seed: 1, size: { train: 20, val: 5 } });
});
afterAll(() => rm(folder, { recursive: true }));

it('writes the layout that the COCO reader takes, every picture with its five captions', async () => {
  const images = [];
  for await (const image of readDataset({ format: 'coco', uri: folder })) images.push(image);
  expect(images.map(({ split }) => split)).toEqual([...Array(20).fill('train'), ...Array(5).fill('val')]);
  expect(new Set(images.map(({ imageId }) => imageId)).size).toBe(25);
  for (const { captions } of images) expect(captions).toHaveLength(5);
});

it('draws pictures of 128 × 128 pixels that are not blank and not alike', async () => {
  const pictures = [1, 2, 3].map((id) => path.join(folder, 'train', `${String(id).padStart(12, '0')}.jpg`));
  const digests = new Set<string>();
  for (const picture of pictures) {
    const { width, height } = await sharp(picture).metadata();
    expect([width, height]).toEqual([128, 128]);
    const { channels } = await sharp(picture).stats();
    expect(Math.max(...channels.map(({ stdev }) => stdev))).toBeGreaterThan(5);
    digests.add(sha256(await readFile(picture)));
  }
  expect(digests.size).toBe(3);
});

it('writes the same annotations for the same seed, on every machine, and others for another', () => {
  const digestOf = (seed: number) => {
    const size = { train: 2200, val: 300 };
    const files = (['train', 'val'] as const).map((split) =>
      annotationsOf(scenesOf(split, size, seed), seed),
    );
    return sha256(JSON.stringify(files));
  };
  expect(digestOf(1)).toBe('3960754022c1ab701df205bb921779f650951bc81bde7558d5bd643eec4eebff');
  expect(digestOf(2)).not.toBe(digestOf(1));
});
