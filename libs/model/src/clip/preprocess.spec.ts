import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type ImagePreprocessor,
  UnreadableImageError,
  decodeImage,
  readImagePreprocessor,
} from './preprocess.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-preprocess-'));
afterAll(() => rmSync(folder, { recursive: true }));

function preprocessor(json: object): ImagePreprocessor {
  writeFileSync(path.join(folder, 'preprocessor_config.json'), JSON.stringify(json));
  return readImagePreprocessor(folder);
}
const clip = preprocessor({ size: { shortest_edge: 224 }, crop_size: { height: 224, width: 224 } });
/** Pixels 0..255 as they are. */
const bytesOf = (size: number) =>
  preprocessor({ size, crop_size: size, do_rescale: false, do_normalize: false });

const solid = (red: number, green: number, blue: number, alpha?: number) =>
  sharp({
    create: {
      width: 8,
      height: 8,
      channels: alpha === undefined ? 3 : 4,
      background: { r: red, g: green, b: blue, alpha: alpha ?? 1 },
    },
  });

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

test('black and white have the published normalised values', async () => {
  const black = await decodeImage(await solid(0, 0, 0).png().toBuffer(), clip);
  const white = await decodeImage(await solid(255, 255, 255).png().toBuffer(), clip);
  expect([...black.subarray(0, 3)].map((value) => +value.toFixed(4))).toEqual([-1.7923, -1.7521, -1.4802]);
  expect([...white.subarray(0, 3)].map((value) => +value.toFixed(4))).toEqual([1.9303, 2.0749, 2.1459]);
});

test('a wide picture keeps its middle, with rows and columns in order', async () => {
  const stripes = Buffer.alloc(12 * 4 * 3);
  for (let y = 0; y < 4; y++)
    for (let x = 0; x < 12; x++) stripes.fill(x * 16 + y, (y * 12 + x) * 3, (y * 12 + x + 1) * 3);
  const png = await sharp(stripes, { raw: { width: 12, height: 4, channels: 3 } })
    .png()
    .toBuffer();
  const pixels = await decodeImage(png, bytesOf(4));
  const expected = [0, 1, 2, 3].flatMap((y) =>
    [4, 5, 6, 7].flatMap((x) => Array<number>(3).fill(x * 16 + y)),
  );
  expect([...pixels]).toEqual(expected);
});

test('a picture is turned upright by its EXIF orientation', async () => {
  const halves = Buffer.concat([Buffer.alloc(8 * 4 * 3, 0), Buffer.alloc(8 * 4 * 3, 255)]);
  const dark = await sharp(halves, { raw: { width: 8, height: 8, channels: 3 } })
    .withMetadata({ orientation: 3 })
    .png()
    .toBuffer();
  const pixels = await decodeImage(dark, bytesOf(8));
  expect([pixels[0], pixels.at(-1)]).toEqual([255, 0]);
});

describe('any kind of picture becomes RGB', () => {
  const first = async (picture: Buffer) => [...(await decodeImage(picture, bytesOf(8))).subarray(0, 3)];
  test('alpha is dropped, as PIL does', async () =>
    expect(await first(await solid(10, 20, 30, 0).png().toBuffer())).toEqual([10, 20, 30]));
  test('grey', async () =>
    expect(await first(await solid(90, 90, 90).toColourspace('b-w').png().toBuffer())).toEqual([90, 90, 90]));
  test('palette', async () =>
    expect(await first(await solid(10, 20, 30).png({ palette: true }).toBuffer())).toEqual([10, 20, 30]));
  test('16 bits', async () => {
    const deep = await solid(200, 100, 50).toColourspace('rgb16').png().toBuffer();
    expect(await first(deep)).toEqual([200, 100, 50]);
  });
  test('CMYK', async () => {
    const cmyk = await solid(255, 255, 255).toColourspace('cmyk').jpeg().toBuffer();
    for (const value of await first(cmyk)) expect(value).toBeGreaterThan(250);
  });
  test('WebP and GIF', async () => {
    expect(await first(await solid(0, 0, 0).webp({ lossless: true }).toBuffer())).toEqual([0, 0, 0]);
    expect(await first(await solid(255, 255, 255).gif().toBuffer())).toEqual([255, 255, 255]);
  });
});

describe('what is no picture is refused with its name and the reason', () => {
  const refused = async (bytes: Buffer) => {
    const file = path.join(folder, 'broken.jpg');
    writeFileSync(file, bytes);
    const error = await decodeImage(file, clip).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreadableImageError);
    expect((error as Error).message).toContain(`cannot read ${file}: `);
  };
  test('text', () => refused(Buffer.from('this is no picture')));
  test('nothing', () => refused(Buffer.alloc(0)));
  test('a picture that was cut', async () => {
    const noise = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: 'grey',
        noise: { type: 'gaussian', mean: 128, sigma: 30 },
      },
    })
      .jpeg()
      .toBuffer();
    await refused(noise.subarray(0, noise.length / 2));
  });
  test('a file that is not there', async () => {
    await expect(decodeImage(path.join(folder, 'absent.png'), clip)).rejects.toThrow(
      /cannot read .*absent.png/,
    );
  });
});

test('a preprocessing that cannot be honoured is refused', () => {
  expect(() => preprocessor({ resample: 2 })).toThrow(/bicubic/);
  expect(() => preprocessor({ size: { longest_edge: 224 } })).toThrow(UserError);
  const large = preprocessor({ size: 8, crop_size: 16 });
  return expect(
    solid(0, 0, 0)
      .png()
      .toBuffer()
      .then((png) => decodeImage(png, large)),
  ).rejects.toThrow(/crops 16×16/);
});
