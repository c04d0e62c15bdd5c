import type { Random } from './random.js';
import type { Group, Scene } from './scene.js';

/** Side of a picture in pixels. */
export const side = 128;

/** One object to draw: centre and radius in pixels, turn in degrees. */
export interface Item {
  group: Group;
  x: number;
  y: number;
  radius: number;
  turn: number;
}

/** Where the objects of a scene stand: each group within its own part of the picture, everything a little off. */
export function layOut(scene: Scene, random: Random): Item[] {
  if (scene.kind === 'lone') return arrange(scene.group, loneArea(scene.place), random);
  const half = side / 2;
  const [first, second]: [Area, Area] =
    scene.relation === 'above'
      ? [
          { x: 0, y: 0, width: side, height: half },
          { x: 0, y: half, width: side, height: half },
        ]
      : [
          { x: 0, y: 0, width: half, height: side },
          { x: half, y: 0, width: half, height: side },
        ];
  return [...arrange(scene.first, first, random), ...arrange(scene.second, second, random)];
}

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

function loneArea(place: string): Area {
  const width = side * 0.54;
  const at = {
    left: 2,
    right: side - width - 2,
    top: 2,
    bottom: side - width - 2,
    centre: (side - width) / 2,
  };
  const [vertical, horizontal] = (place === 'centre' ? 'centre centre' : place).split(
    ' ',
  ) as (keyof typeof at)[];
  return { x: at[horizontal!], y: at[vertical!], width, height: width };
}

const radii = { small: 10, large: 16.5 };

function arrange(group: Group, area: Area, random: Random): Item[] {
  const along =
    area.width > area.height * 1.5 ? 'row' : area.height > area.width * 1.5 ? 'column' : 'cluster';
  const spread = radii[group.size] * 2 + random.between(3, 5);
  const centreX = area.x + area.width / 2;
  const centreY = area.y + area.height / 2;
  const [shiftX, shiftY] = [random.between(-2, 2), random.between(-2, 2)];
  return offsets(group.count, along, spread).map(([dx, dy]) => ({
    group,
    x: centreX + shiftX + dx + random.between(-0.8, 0.8),
    y: centreY + shiftY + dy + random.between(-0.8, 0.8),
    radius: radii[group.size] * random.between(0.95, 1.05),
    turn: random.between(-8, 8),
  }));
}

/** The places of `count` objects about (0, 0), neighbours `spread` apart. */
function offsets(count: number, along: 'row' | 'column' | 'cluster', spread: number): [number, number][] {
  if (count === 1) return [[0, 0]];
  if (along === 'cluster' && count === 3) {
    const height = (spread * Math.sqrt(3)) / 2;
    return [
      [0, -height / 2],
      [-spread / 2, height / 2],
      [spread / 2, height / 2],
    ];
  }
  return Array.from({ length: count }, (_, index) => {
    const offset = (index - (count - 1) / 2) * spread;
    return along === 'column' ? [0, offset] : [offset, 0];
  });
}
