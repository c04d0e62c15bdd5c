import { decodeImage, type ImagePreprocessor } from '@captrain/model';
import { ProgressBar } from '@captrain/runtime';
import { drawScene } from '../draw.js';
import { seededRandom } from '../random.js';
import type { Scene } from '../scene.js';
import { randomSceneOf, type Split } from '../split.js';

export interface DrawnScene {
  scene: Scene;
  /** As the model takes them: HWC, normalised. */
  pixels: Float32Array;
}

/** Scenes of a split, drawn, compressed, and decoded again by CLIP's own preprocessing. */
export async function drawScenes(
  split: Split,
  count: number,
  seed: number,
  preprocessor: ImagePreprocessor,
): Promise<DrawnScene[]> {
  const bar = new ProgressBar({ label: `drawing scenes (${split})`, total: count, unit: 'scenes' });
  const drawn: DrawnScene[] = [];
  const atOnce = 16;
  for (let start = 0; start < count; start += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, count - start) }, async (_, index) => {
      const random = seededRandom('pretraining scene', split, seed, start + index);
      const scene = randomSceneOf(split, random);
      return { scene, pixels: await decodeImage(await drawScene(scene, random), preprocessor) };
    });
    drawn.push(...(await Promise.all(batch)));
    bar.add(batch.length);
  }
  bar.close();
  return drawn;
}
