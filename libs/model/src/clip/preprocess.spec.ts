import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { openClipPreprocessor } from './open-clip/open-clip-preprocessor.js';
import type { ImagePreprocessor } from './picture/image-preprocessor.js';
import { fixture, pattern } from './picture/pattern.cases.js';
import { readImagePreprocessor } from './picture/processor-config.js';
import { decodeImage } from './preprocess.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-preprocess-'));
afterAll(() => rmSync(folder, { recursive: true }));

function preprocessor(json: object): ImagePreprocessor {
  writeFileSync(path.join(folder, 'preprocessor_config.json'), JSON.stringify(json));
  return readImagePreprocessor(folder);
}
const clip = preprocessor({ size: { shortest_edge: 224 }, crop_size: { height: 224, width: 224 } });
test('every picture of the real photographs becomes 224 × 224 × 3 finite, normalised values', async () => {
  const photographs = path.resolve(import.meta.dirname, '../../../../../shared/data/flickr8k/images');
  const names = readdirSync(photographs).filter((name) => name.endsWith('.jpg'));
  expect(names.length).toBe(14);
  for (const name of names) {
    const pixels = await decodeImage(path.join(photographs, name), clip);
    expect(pixels.length).toBe(224 * 224 * 3);
    const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
    expect(Math.abs(mean)).toBeLessThan(2.5);
    expect(pixels.every((value) => value > -1.8 && value < 2.2)).toBe(true);
  }
});

interface Processed {
  from: [number, number];
  config: object;
  pixels: string;
}

describe("every value is that of transformers' CLIPImageProcessor", () => {
  test.each(fixture<Processed[]>('processed.json'))('$from, $config', async ({ from, config, pixels }) => {
    const { data, width, height } = pattern(from);
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const values = await decodeImage(png, preprocessor(config));
    expect(Buffer.from(values.buffer).toString('base64')).toBe(pixels);
  });
});

describe('as OpenCLIP has it', () => {
  const prepared = async (json: object, from: readonly [number, number], side: number) => {
    const { data, width, height } = pattern(from);
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const plain = { mean: 0, std: 1, interpolation: 'bilinear', ...json };
    const pixels = await decodeImage(png, openClipPreprocessor(plain, side, 'here'));
    return { pixels: Array.from(pixels, (value) => Math.round(value * 255)), source: pattern(from) };
  };

  test('the middle between two pixels is the even one', async () => {
    const { pixels, source } = await prepared({}, [9, 6], 6);
    // 9 − 6 leaves 1.5 on the left: 2.
    expect(pixels.slice(0, 3)).toEqual([...source.data.subarray(2 * 3, 3 * 3)]);
  });

  test('longest: the whole picture in a frame of the fill colour', async () => {
    const { pixels, source } = await prepared({ resize_mode: 'longest', fill_color: 9 }, [8, 5], 8);
    const row = (index: number) => pixels.slice(index * 24, (index + 1) * 24);
    expect(row(0)).toEqual(Array<number>(24).fill(9));
    expect(row(1)).toEqual([...source.data.subarray(0, 24)]);
    expect([row(6), row(7)]).toEqual([row(0), row(0)]);
  });

  test('squash: the whole picture, stretched', async () => {
    expect((await prepared({ resize_mode: 'squash' }, [12, 5], 8)).pixels.length).toBe(8 * 8 * 3);
  });

  test('what is not known is refused', () => {
    expect(() => openClipPreprocessor({ resize_mode: 'crop' }, 8, 'here')).toThrow(/here.*resize_mode/s);
  });
});
