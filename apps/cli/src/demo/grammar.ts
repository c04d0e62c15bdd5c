import type { Group, LoneScene, PairScene, Scene } from './scene.js';

/**
 * Five captions of a scene, each another form of sentence, all saying everything the scene holds. The forms spend
 * few words on anything else, so that the caption of another scene shares few runs of four words.
 */
export function captionsOf(scene: Scene): string[] {
  return scene.kind === 'lone' ? loneCaptions(scene) : pairCaptions(scene);
}

const sides = { above: ['at the top', 'at the bottom'], 'left of': ['on the left', 'on the right'] } as const;

function pairCaptions({ first, second, relation }: PairScene): string[] {
  const [a, b] = [phrase(first), phrase(second)];
  const vertical = relation === 'above';
  const [toA, toB] = sides[relation];
  return [
    `${a} ${vertical ? 'above' : 'to the left of'} ${b}.`,
    `${b} ${vertical ? 'below' : 'to the right of'} ${a}.`,
    `${a} ${toA} and ${b} ${toB}.`,
    `${toB} ${b}, ${toA} ${a}.`,
    `there ${first.count === 1 ? 'is' : 'are'} ${a} ${vertical ? 'over' : 'left of'} ${b}.`,
  ].map(sentence);
}

function loneCaptions({ group, place }: LoneScene): string[] {
  const a = phrase(group);
  const where = place === 'centre' ? 'in the centre' : `in the ${place} corner`;
  return [
    `${a} ${where}.`,
    `${where} ${a}.`,
    `only ${a} ${where}.`,
    `there ${group.count === 1 ? 'is' : 'are'} ${a} ${where}.`,
    `${a} alone ${where}.`,
  ].map(sentence);
}

const numbers = { 1: 'a', 2: 'two', 3: 'three' } as const;

function phrase({ count, size, colour, shape }: Group): string {
  return `${numbers[count]} ${size} ${colour} ${count === 1 ? shape : `${shape}s`}`;
}

function sentence(words: string): string {
  return words[0]!.toUpperCase() + words.slice(1);
}
