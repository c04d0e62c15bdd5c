import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixture } from './pattern.cases.js';
import { UnreadableImageError, readPicture } from './read-picture.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-picture-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Expected {
  file: string;
  width: number;
  height: number;
  rgb: string;
}

describe('every byte of each kind of picture is what transformers sees', () => {
  test.each(Object.entries(fixture<Record<string, Expected>>('pictures.json')))(
    '%s',
    async (_, { file, width, height, rgb }) => {
      const picture = await readPicture(Buffer.from(file, 'base64'));
      expect([picture.width, picture.height]).toEqual([width, height]);
      expect(Buffer.from(picture.data).toString('base64')).toBe(rgb);
    },
  );
});

describe('what is no picture is refused with its name and the reason', () => {
  const refusal = async (bytes: Buffer) => {
    const file = path.join(folder, 'broken.jpg');
    writeFileSync(file, bytes);
    const error = await readPicture(file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreadableImageError);
    expect((error as Error).message).toContain(`cannot read ${file}: `);
    return (error as Error).message;
  };
  test('text', () => refusal(Buffer.from('this is no picture')));
  test('nothing', () => refusal(Buffer.alloc(0)));
  test('a file that is not there', async () => {
    await expect(readPicture(path.join(folder, 'absent.png'))).rejects.toThrow(/cannot read .*absent.png/);
  });
  test('numbers that are no bytes', async () => {
    // One pixel, 0.5, as Pillow saves mode F.
    const tiff = Buffer.from(
      'SUkqAAgAAAAKAAABBAABAAAAAQAAAAEBBAABAAAAAQAAAAIBAwABAAAAIAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAQAAABEBBAABAAAAhgAAABYBBAABAAAAAQAAABcBBAABAAAABAAAABwBAwABAAAAAQAAAFMBAwABAAAAAwAAAAAAAAAAAAA/',
      'base64',
    );
    expect(await refusal(tiff)).toMatch(/pixels are of type float; convert/);
  });
  test('more pixels than Pillow takes, before they are decoded', async () => {
    const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    png.writeUInt32BE(20_000, 16);
    png.writeUInt32BE(10_000, 20);
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
    expect(await refusal(png)).toMatch(/20000×10000 pixels, more than 178,956,970; shrink it/);
  });

  describe('a picture that was cut', () => {
    const whole = new Map<string, Buffer>();
    beforeAll(async () => {
      const noise = () =>
        sharp({
          create: {
            width: 64,
            height: 64,
            channels: 3,
            background: 'grey',
            noise: { type: 'gaussian', mean: 128, sigma: 30 },
          },
        });
      whole.set('jpeg', await noise().jpeg().toBuffer());
      whole.set('progressive jpeg', await noise().jpeg({ progressive: true }).toBuffer());
      whole.set('png', await noise().png().toBuffer());
      whole.set('gif', await noise().gif().toBuffer());
      whole.set('webp', await noise().webp().toBuffer());
      whole.set('tiff', await noise().tiff().toBuffer());
    });
    test.each(['jpeg', 'progressive jpeg', 'png', 'gif', 'webp', 'tiff'])('%s', async (kind) => {
      const bytes = whole.get(kind)!;
      expect((await readPicture(bytes)).width).toBe(64);
      for (const part of [0.1, 0.5, 0.9]) await refusal(bytes.subarray(0, Math.floor(bytes.length * part)));
    });
  });
});

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
