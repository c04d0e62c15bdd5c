import sharp from 'sharp';
import { layOut, side, type Item } from './layout.js';
import type { Random } from './random.js';
import type { colours } from './scene.js';
import { type Scene } from './scene.js';

/** Light and dark end of each colour's gradient. */
const paints: Record<(typeof colours)[number], [string, string]> = {
  red: ['#f0544f', '#c0181f'],
  blue: ['#4f8df0', '#1a4fc4'],
  green: ['#4fbf67', '#16803a'],
  yellow: ['#ffe25a', '#e8b70c'],
  purple: ['#a878e0', '#6b2fb3'],
  orange: ['#ffa24d', '#ef6a0a'],
};

/** The scene as JPEG, 128 × 128 pixels; the random stream decides everything that captions do not say. */
export function drawScene(scene: Scene, random: Random): Promise<Buffer> {
  return sharp(Buffer.from(sceneSvg(scene, random)))
    .jpeg({ quality: 90, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

/** The scene as SVG: soft background, soft shadows, shaded shapes. */
export function sceneSvg(scene: Scene, random: Random): string {
  const backdrop = background(random);
  const items = layOut(scene, random);
  const used = [...new Set(items.map((item) => item.group.colour))];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 ${side} ${side}"><defs>${used
    .map((colour) => gradient(colour, ...paints[colour]))
    .join('')}</defs>${backdrop}${items.map(shadow).join('')}${items.map(draw).join('')}</svg>`;
}

function gradient(id: string, light: string, dark: string): string {
  return `<linearGradient id="${id}" x1="0.2" y1="0" x2="0.8" y2="1"><stop offset="0" stop-color="${light}"/><stop offset="1" stop-color="${dark}"/></linearGradient>`;
}

function background(random: Random): string {
  const hue = random.below(360);
  const light = random.between(88, 95);
  const blobs = Array.from({ length: 3 }, () => {
    const [x, y, radius] = [random.below(side), random.below(side), 20 + random.below(30)];
    return `<circle cx="${x}" cy="${y}" r="${radius}" fill="hsl(${(hue + random.below(50)) % 360},30%,${(light - 3).toFixed(1)}%)" opacity="0.5"/>`;
  });
  return `<defs><linearGradient id="sky" x1="0" y1="0" x2="${random.next().toFixed(2)}" y2="1"><stop offset="0" stop-color="hsl(${hue},32%,${light.toFixed(1)}%)"/><stop offset="1" stop-color="hsl(${(hue + 40) % 360},28%,${(light - 6).toFixed(1)}%)"/></linearGradient></defs><rect width="${side}" height="${side}" fill="url(#sky)"/>${blobs.join('')}`;
}

function shadow({ x, y, radius }: Item): string {
  return `<ellipse cx="${(x + 1.5).toFixed(1)}" cy="${(y + radius * 0.9).toFixed(1)}" rx="${(radius * 0.8).toFixed(1)}" ry="${(radius * 0.25).toFixed(1)}" fill="#000" opacity="0.12"/>`;
}

function draw({ group, x, y, radius, turn }: Item): string {
  return `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${turn.toFixed(1)}) scale(${radius.toFixed(2)})" fill="url(#${group.colour})" stroke="#000" stroke-opacity="0.22" stroke-width="0.08">${outlines[group.shape]}</g>`;
}

/** Each shape about (0, 0), of about equal area, within a radius of one. */
const outlines: Record<Item['group']['shape'], string> = {
  circle: '<circle r="0.9"/>',
  square: '<rect x="-0.8" y="-0.8" width="1.6" height="1.6" rx="0.08"/>',
  triangle: '<path d="M0 -1 L0.98 0.78 L-0.98 0.78 Z" stroke-linejoin="round"/>',
  star: `<path d="${starPath()}" stroke-linejoin="round"/>`,
  heart:
    '<path d="M0 0.92 C-0.5 0.5 -1.02 0.1 -1.02 -0.38 C-1.02 -0.98 -0.25 -1.1 0 -0.5 C0.25 -1.1 1.02 -0.98 1.02 -0.38 C1.02 0.1 0.5 0.5 0 0.92 Z"/>',
};

function starPath(): string {
  const points = Array.from({ length: 10 }, (_, index) => {
    const radius = index % 2 === 0 ? 1.08 : 0.46;
    const angle = (index * Math.PI) / 5;
    return `${(radius * Math.sin(angle)).toFixed(3)} ${(-radius * Math.cos(angle)).toFixed(3)}`;
  });
  return `M${points.join(' L')} Z`;
}
