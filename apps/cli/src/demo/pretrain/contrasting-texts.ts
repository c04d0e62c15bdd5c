import { captionsOf, partCaption } from '../grammar.js';
import { nearScene } from '../near-scene.js';
import type { Random } from '../random.js';
import type { Scene } from '../scene.js';

/**
 * A text for a scene, then `count` texts of the same kind for near scenes, which are wrong for it. Every other text
 * of a pair says one of its two groups alone: so an embedding comes to be a sum over what stands where, from which
 * a small mapper can read each part.
 */
export function contrastingTexts(scene: Scene, count: number, random: Random): string[] {
  const part = random.next() < 0.5 ? undefined : (random.below(2) as 0 | 1);
  const say = (said: Scene) =>
    part === undefined ? random.pick(captionsOf(said)) : partCaption(said, part, random.below(10));
  const truths = part === undefined ? captionsOf(scene) : formsOf(scene, part);
  const texts = [say(scene)];
  while (texts.length <= count) {
    const text = say(nearScene(scene, random));
    if (!truths.includes(text)) texts.push(text);
  }
  return texts;
}

/** Every way to say one part. */
function formsOf(scene: Scene, part: 0 | 1): string[] {
  return Array.from({ length: 10 }, (_, form) => partCaption(scene, part, form));
}
