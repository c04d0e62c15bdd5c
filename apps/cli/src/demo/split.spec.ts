import { describe, expect, it } from 'vitest';
import { nearScene } from './near-scene.js';
import { seededRandom } from './random.js';
import { colours, groupsOf, kindOf, shapes, type Group, type Scene } from './scene.js';
import { combinationOf, randomSceneOf, splitOf } from './split.js';
import { scenesOf } from './write-dataset.js';

const size = { train: 2200, val: 300 };

it('holds combinations of kinds out: none of the held-out scenes is in training, for any seed', () => {
  const held = new Set<string>();
  const trained = new Set<string>();
  for (const seed of [1, 2, 3]) {
    for (const { scene } of scenesOf('val', size, seed)) held.add(combinationOf(scene));
    for (const { scene } of scenesOf('train', size, seed)) trained.add(combinationOf(scene));
  }
  expect(held.size).toBeGreaterThan(30);
  expect([...held].filter((combination) => trained.has(combination))).toEqual([]);
});

it('holds them out of what CLIP and GPT-2 are trained on too: scenes and the near scenes that CLIP contrasts', () => {
  const random = seededRandom('test');
  for (let count = 0; count < 3000; count++) {
    const scene = randomSceneOf('train', random);
    expect(splitOf(scene)).toBe('train');
    expect(splitOf(nearScene(scene, random))).toBe('train');
  }
});

it('goes by colours and shapes alone, so that no order, number, size or place leaks a combination', () => {
  const random = seededRandom('test');
  for (let count = 0; count < 500; count++) {
    const scene = randomSceneOf('val', random);
    expect(splitOf(restated(scene))).toBe('val');
  }
});

it('shows every colour, shape and their pairings in training, so that only combinations are new', () => {
  const kinds = new Set(scenesOf('train', size, 1).flatMap(({ scene }) => groupsOf(scene).map(kindOf)));
  expect(kinds.size).toBe(colours.length * shapes.length);
});

describe('a near scene', () => {
  it('is another scene of the same kind', () => {
    const random = seededRandom('test');
    for (let count = 0; count < 1000; count++) {
      const scene = randomSceneOf('train', random);
      const near = nearScene(scene, random);
      expect(near).not.toEqual(scene);
      expect(near.kind).toBe(scene.kind);
    }
  });
});

function restated(scene: Scene): Scene {
  const other = (group: Group): Group => ({
    ...group,
    count: group.count === 1 ? 3 : 1,
    size: group.size === 'small' ? 'large' : 'small',
  });
  if (scene.kind === 'lone') return { ...scene, group: other(scene.group), place: 'centre' };
  const relation = scene.relation === 'above' ? 'left of' : 'above';
  return { ...scene, first: other(scene.second), second: other(scene.first), relation };
}
