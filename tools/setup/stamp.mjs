import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';

const folder = path.join(root, 'node_modules/.cache/captrain');

/** The digest that was recorded when the step `name` last succeeded in this checkout. */
export function readStamp(name) {
  try {
    return readFileSync(path.join(folder, name), 'utf8');
  } catch {
    return undefined;
  }
}

export function writeStamp(name, digest) {
  mkdirSync(folder, { recursive: true });
  const temporary = path.join(folder, `${name}.${process.pid}`);
  writeFileSync(temporary, digest);
  renameSync(temporary, path.join(folder, name));
}
