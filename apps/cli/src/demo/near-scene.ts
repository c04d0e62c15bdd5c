import type { Random } from './random.js';
import {
  colours,
  counts,
  kindOf,
  places,
  relations,
  shapes,
  sizes,
  type Group,
  type Scene,
} from './scene.js';
import { splitOf } from './split.js';

/**
 * A scene of the training split that differs from the given one in a single point: one group's colour, shape, size
 * or count, the place, the relation, or two groups that change their parts or one of their properties. Its captions
 * are the hard negatives that teach CLIP what belongs to what.
 */
export function nearScene(scene: Scene, random: Random): Scene {
  for (;;) {
    const near = changed(scene, random);
    if (JSON.stringify(near) === JSON.stringify(scene) || splitOf(near) !== 'train') continue;
    if (near.kind === 'lone' || kindOf(near.first) !== kindOf(near.second)) return near;
  }
}

function changed(scene: Scene, random: Random): Scene {
  if (scene.kind === 'lone') {
    return random.next() < 0.2
      ? { ...scene, place: random.pick(places) }
      : { ...scene, group: changedGroup(scene.group, random) };
  }
  const { first, second } = scene;
  const point = random.next();
  if (point < 0.07) return { ...scene, first: second, second: first };
  if (point < 0.14) return { ...scene, relation: random.pick(relations) };
  if (point < 0.35) {
    const key = random.pick(properties);
    return {
      ...scene,
      first: { ...first, [key]: second[key] } as Group,
      second: { ...second, [key]: first[key] } as Group,
    };
  }
  return random.next() < 0.5
    ? { ...scene, first: changedGroup(first, random) }
    : { ...scene, second: changedGroup(second, random) };
}

/** Shapes are the hardest to see, so they change twice as often. */
const properties = ['colour', 'shape', 'shape', 'size', 'count'] as const;

function changedGroup(group: Group, random: Random): Group {
  const values = { colour: colours, shape: shapes, size: sizes, count: counts };
  const key = random.pick(properties);
  return { ...group, [key]: random.pick<string | number>(values[key]) } as Group;
}
