import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '@captrain/runtime';

/** Which libtensorflow a build is linked to: the one without CUDA, or the one with it. */
export type BuildKind = 'cpu' | 'gpu';

const builds = fileURLToPath(new URL('../native/build/', import.meta.url));
const require = createRequire(import.meta.url);

/** The folder of a native build, or undefined where the set-up has not made it. */
export function findBuild(kind: BuildKind): string | undefined {
  const link = path.join(builds, kind);
  // The real path, because the libraries are found relative to it.
  return existsSync(link) ? realpathSync(link) : undefined;
}

/** The folder of any native build; a `UserError` where there is none. */
export function anyBuild(): string {
  const build = findBuild('cpu') ?? findBuild('gpu');
  if (build !== undefined) return build;
  throw new UserError(`TensorFlow's binding is not built in ${builds}; run: npm run setup`);
}

/** Loads a file of a native build. */
export function loadAddon<Addon>(build: string, file: string): Addon {
  return require(path.join(build, file)) as Addon;
}
