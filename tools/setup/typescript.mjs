import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { digestOf, digestOfFiles } from './digest.mjs';
import { SetupError } from './fail.mjs';
import { root } from './paths.mjs';
import { showStep } from './progress.mjs';
import { capture } from './spawn.mjs';
import { readStamp, writeStamp } from './stamp.mjs';
import { packageFoldersWith } from './workspaces.mjs';

const compiledFolders = () => packageFoldersWith('tsconfig.lib.json');

/**
 * Whether the compiled programs belong to the sources as they are. The compiler's own records are part of the stamp,
 * because other tools (nx, an editor's build) compile into the same folders.
 */
export async function typeScriptIsBuilt() {
  const records = readRecords();
  return records !== undefined && readStamp('typescript') === digestOf([await sourceDigest(), ...records]);
}

/** Compiles every package, without its tests: those are none of a user's business. */
export async function buildTypeScript() {
  const digest = await sourceDigest();
  await showStep('compiling TypeScript', async () => {
    const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
    const projects = compiledFolders().map((folder) => path.join(folder, 'tsconfig.lib.json'));
    try {
      await capture(process.execPath, [compiler, '-b', ...projects], { cwd: root });
    } catch (error) {
      throw new SetupError(
        `TypeScript does not compile; mend what it says, then run this again.\n${error.message}`,
      );
    }
  });
  writeStamp('typescript', digestOf([digest, ...readRecords()]));
}

/** The compiler's record of each package, or undefined where one is not compiled. */
function readRecords() {
  const files = compiledFolders().map((folder) => path.join(root, folder, 'dist/tsconfig.lib.tsbuildinfo'));
  return files.every((file) => existsSync(file)) ? files.map((file) => readFileSync(file)) : undefined;
}

async function sourceDigest() {
  const files = ['package-lock.json', 'tsconfig.base.json', 'tsconfig.json'];
  for (const folder of compiledFolders()) {
    files.push(path.join(folder, 'tsconfig.lib.json'), path.join(folder, 'package.json'));
    for (const name of readdirSync(path.join(root, folder, 'src'), { recursive: true })) {
      if (/\.(ts|json)$/.test(name) && !/\.(spec|cases)\.ts$/.test(name))
        files.push(path.join(folder, 'src', name));
    }
  }
  return await digestOfFiles(root, files);
}
