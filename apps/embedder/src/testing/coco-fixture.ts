import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';

export interface FixturePicture {
  id: number;
  split: 'train' | 'val';
  /** Bytes in place of a picture: for files that cannot be read. */
  bytes?: Buffer;
  /** Listed in the captions, but not there. */
  absent?: boolean;
}

/** Writes a data set in COCO's layout with pictures of plain colours, two captions each. */
export async function writeCoco(folder: string, pictures: readonly FixturePicture[]): Promise<void> {
  mkdirSync(path.join(folder, 'annotations'), { recursive: true });
  for (const split of ['train', 'val'] as const) {
    const own = pictures.filter((picture) => picture.split === split);
    if (own.length === 0) continue;
    const images = own.map(({ id }) => ({ id, file_name: `${id}.jpg` }));
    const annotations = own.flatMap(({ id }) =>
      ['a plain picture', 'a colour'].map((text, i) => ({
        id: 10 * id + i,
        image_id: id,
        caption: `${text} ${id}`,
      })),
    );
    writeFileSync(
      path.join(folder, `annotations/captions_${split}2017.json`),
      JSON.stringify({ images, annotations }),
    );
    mkdirSync(path.join(folder, `${split}2017`), { recursive: true });
    for (const { id, bytes, absent } of own) {
      if (absent) continue;
      writeFileSync(path.join(folder, `${split}2017/${id}.jpg`), bytes ?? (await plainPicture(id)));
    }
  }
}

function plainPicture(id: number): Promise<Buffer> {
  const background = { r: (id * 37) % 256, g: (id * 91) % 256, b: (id * 53) % 256 };
  return sharp({ create: { width: 48, height: 40, channels: 3, background } })
    .jpeg()
    .toBuffer();
}
