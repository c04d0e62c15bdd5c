import { bleu } from '@captrain/evaluation';
import { expect, it } from 'vitest';
import { captionsOf } from './grammar.js';
import { seededRandom } from './random.js';
import { groupsOf, randomScene, type Scene } from './scene.js';

const random = seededRandom('grammar');
const scenes = Array.from({ length: 500 }, () => randomScene(random));

it('says two groups and their relation in five forms', () => {
  const scene: Scene = {
    kind: 'pair',
    first: { count: 2, size: 'small', colour: 'red', shape: 'circle' },
    second: { count: 1, size: 'large', colour: 'blue', shape: 'star' },
    relation: 'above',
  };
  expect(captionsOf(scene)).toEqual([
    'Two small red circles above a large blue star.',
    'A large blue star below two small red circles.',
    'Two small red circles at the top and a large blue star at the bottom.',
    'At the bottom a large blue star, at the top two small red circles.',
    'There are two small red circles over a large blue star.',
  ]);
});

it('says one group and its place in five forms', () => {
  const scene: Scene = {
    kind: 'lone',
    group: { count: 1, size: 'small', colour: 'green', shape: 'heart' },
    place: 'top left',
  };
  expect(captionsOf(scene)).toEqual([
    'A small green heart in the top left corner.',
    'In the top left corner a small green heart.',
    'Only a small green heart in the top left corner.',
    'There is a small green heart in the top left corner.',
    'A small green heart alone in the top left corner.',
  ]);
});

it('gives five distinct captions, each of them another for another scene', () => {
  const owners = new Map<string, string>();
  for (const scene of scenes) {
    const captions = captionsOf(scene);
    expect(new Set(captions).size).toBe(5);
    for (const caption of captions) {
      const content = JSON.stringify(scene);
      expect(owners.get(caption) ?? content).toBe(content);
      owners.set(caption, content);
    }
  }
});

it('names every colour, shape and size in every caption', () => {
  for (const scene of scenes)
    for (const caption of captionsOf(scene))
      for (const group of groupsOf(scene))
        expect(caption.toLowerCase()).toContain(`${group.size} ${group.colour} ${group.shape}`);
});

it('is dense: captions of the wrong scenes score less than 0.3 of BLEU-4 where the right ones score 1', () => {
  const references = scenes.map(captionsOf);
  for (let form = 0; form < 5; form++) {
    const right = references.map((captions) => captions[form]!);
    const wrong = right.map((_, index) => right[(index + 1) % right.length]!);
    expect(bleu(right, references).bleu4).toBeCloseTo(1, 6);
    expect(bleu(wrong, references).bleu4).toBeLessThan(0.3);
  }
});
