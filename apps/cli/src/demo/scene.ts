import type { Random } from './random.js';

export const counts = [1, 2, 3] as const;
export const sizes = ['small', 'large'] as const;
export const colours = ['red', 'blue', 'green', 'yellow', 'purple', 'orange'] as const;
export const shapes = ['circle', 'square', 'triangle', 'star', 'heart'] as const;
export const places = ['top left', 'top right', 'bottom left', 'bottom right', 'centre'] as const;
export const relations = ['left of', 'above'] as const;

/** Some equal objects: "two small red circles". */
export interface Group {
  count: (typeof counts)[number];
  size: (typeof sizes)[number];
  colour: (typeof colours)[number];
  shape: (typeof shapes)[number];
}

/** One group somewhere in the picture. */
export interface LoneScene {
  kind: 'lone';
  group: Group;
  place: (typeof places)[number];
}

/** Two groups, the first left of or above the second (a caption may say it the other way round). */
export interface PairScene {
  kind: 'pair';
  first: Group;
  second: Group;
  relation: (typeof relations)[number];
}

/** What a picture shows and its captions say; how it is drawn is no part of it. */
export type Scene = LoneScene | PairScene;

/** A scene at random: three in four show two groups, which differ in colour or shape. */
export function randomScene(random: Random): Scene {
  const first = randomGroup(random);
  if (random.next() < 0.25) return { kind: 'lone', group: first, place: random.pick(places) };
  let second: Group;
  do second = randomGroup(random);
  while (kindOf(second) === kindOf(first));
  return { kind: 'pair', first, second, relation: random.pick(relations) };
}

export function randomGroup(random: Random): Group {
  return {
    count: random.pick(counts),
    size: random.pick(sizes),
    colour: random.pick(colours),
    shape: random.pick(shapes),
  };
}

export function groupsOf(scene: Scene): Group[] {
  return scene.kind === 'lone' ? [scene.group] : [scene.first, scene.second];
}

/** Colour and shape: "red circle". */
export function kindOf(group: Group): string {
  return `${group.colour} ${group.shape}`;
}
