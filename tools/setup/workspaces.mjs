import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';

/** The folder of every package, relative to the root, in the order of `workspaces` in package.json. */
export function packageFolders() {
  const { workspaces } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return workspaces
    .flatMap((pattern) => {
      if (!pattern.endsWith('/*')) return [pattern];
      const parent = pattern.slice(0, -2);
      return readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`);
    })
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')));
}

/** Those that hold a file of this name. */
export function packageFoldersWith(file) {
  return packageFolders().filter((folder) => existsSync(path.join(root, folder, file)));
}
