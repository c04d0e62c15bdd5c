import { expect, it } from 'vitest';
import { captionsOf, partCaption } from '../grammar.js';
import { seededRandom } from '../random.js';
import { randomSceneOf } from '../split.js';
import { contrastingTexts } from './contrasting-texts.js';

it('gives one text that is true of the scene, and others that are not', () => {
  const random = seededRandom('contrast');
  for (let count = 0; count < 500; count++) {
    const scene = randomSceneOf('train', random);
    const truths = new Set(captionsOf(scene));
    for (const part of [0, 1] as const)
      for (let form = 0; form < 5; form++) truths.add(partCaption(scene, part, form));
    const [own, ...near] = contrastingTexts(scene, 3, random);
    expect(truths).toContain(own);
    expect(near).toHaveLength(3);
    for (const text of near) expect(truths).not.toContain(text);
  }
});
