import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Pixels } from './resample.js';

/** What Pillow and transformers made, by fixtures/make-pictures.py. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8')) as T;
}

/** The script's pattern of a size. */
export function pattern([width, height]: readonly [number, number]): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < 3; channel++) data[at++] = x * x * 7 + y * 13 * x + channel * 50;
  return { data, width, height };
}
