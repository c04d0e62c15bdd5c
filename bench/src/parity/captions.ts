import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Flickr8k's captions in the file's order, five for each picture. */
export function flickr8kCaptions(data: string): string[] {
  const text = readFileSync(path.join(data, 'flickr8k/captions.txt'), 'utf8');
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const field = line.slice(line.indexOf(',') + 1);
      return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
    });
}
