import { sha256 } from '@captrain/runtime';
import type { Random } from './random.js';
import { groupsOf, kindOf, randomScene, type Scene } from './scene.js';

export type Split = 'train' | 'val';

/** The part of all combinations that is held out. */
const heldOutPart = 0.12;

/**
 * What the split goes by: the kinds of object that a scene shows, whatever their order, number, size and place:
 * "blue square + red circle".
 */
export function combinationOf(scene: Scene): string {
  return groupsOf(scene).map(kindOf).sort().join(' + ');
}

/**
 * The split that a scene belongs to, by its combination alone: a fixed hash sends about one combination in eight
 * to `val`, in every seed, for the captioners and for the small CLIP and GPT-2 alike.
 */
export function splitOf(scene: Scene): Split {
  const hash = parseInt(sha256(`combination: ${combinationOf(scene)}`).slice(0, 8), 16);
  return hash / 2 ** 32 < heldOutPart ? 'val' : 'train';
}

/** A scene at random among those of one split. */
export function randomSceneOf(split: Split, random: Random): Scene {
  for (;;) {
    const scene = randomScene(random);
    if (splitOf(scene) === split) return scene;
  }
}
