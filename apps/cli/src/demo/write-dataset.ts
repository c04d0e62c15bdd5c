import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { drawScene } from './draw.js';
import { captionsOf } from './grammar.js';
import { seededRandom } from './random.js';
import type { Scene } from './scene.js';
import { randomSceneOf, type Split } from './split.js';

export interface DatasetSize {
  train: number;
  val: number;
}

/** One scene of a data set: what a picture shows, and its id in COCO's files. */
export interface NumberedScene {
  imageId: number;
  scene: Scene;
}

/** The scenes of a split, a function of seed and split alone. Ids of `val` follow those of `train`. */
export function scenesOf(split: Split, size: DatasetSize, seed: number): NumberedScene[] {
  return Array.from({ length: size[split] }, (_, index) => ({
    imageId: index + 1 + (split === 'val' ? size.train : 0),
    scene: randomSceneOf(split, seededRandom('scene', seed, split, index)),
  }));
}

/** The captions file of a split, in COCO's form. */
export function annotationsOf(scenes: readonly NumberedScene[], seed: number) {
  return {
    info: { description: `Generated scenes, seed ${seed}`, version: '1.0' },
    licenses: [],
    images: scenes.map(({ imageId }) => ({
      id: imageId,
      file_name: fileName(imageId),
      width: 128,
      height: 128,
    })),
    annotations: scenes.flatMap(({ imageId, scene }) =>
      captionsOf(scene).map((caption, index) => ({
        id: imageId * 5 - 4 + index,
        image_id: imageId,
        caption,
      })),
    ),
  };
}

/**
 * Writes a data set of generated scenes in COCO's layout: `annotations/captions_{train,val}.json` and the pictures in
 * `train/` and `val/`. The same seed and size write the same annotations. `onPicture` is called after each picture.
 */
export async function writeDataset(
  folder: string,
  options: { seed: number; size: DatasetSize; signal?: AbortSignal; onPicture?: () => void },
): Promise<void> {
  const { seed, size, signal, onPicture } = options;
  await mkdir(path.join(folder, 'annotations'), { recursive: true });
  for (const split of ['train', 'val'] as const) {
    const scenes = scenesOf(split, size, seed);
    await mkdir(path.join(folder, split), { recursive: true });
    await inGroups(scenes, 16, async ({ imageId, scene }) => {
      signal?.throwIfAborted();
      const picture = await drawScene(scene, seededRandom('picture', seed, imageId));
      await writeFile(path.join(folder, split, fileName(imageId)), picture);
      onPicture?.();
    });
    const annotations = JSON.stringify(annotationsOf(scenes, seed));
    await writeFile(path.join(folder, 'annotations', `captions_${split}.json`), annotations);
  }
}

function fileName(imageId: number): string {
  return `${String(imageId).padStart(12, '0')}.jpg`;
}

async function inGroups<T>(
  values: readonly T[],
  size: number,
  work: (value: T) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < values.length; start += size)
    await Promise.all(values.slice(start, start + size).map(work));
}
