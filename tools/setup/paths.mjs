import os from 'node:os';
import path from 'node:path';

/** The repository's root. */
export const root = path.resolve(import.meta.dirname, '../..');

/** The per-user cache of downloads and native builds: `CAPTRAIN_CACHE`, else `$XDG_CACHE_HOME/captrain`. */
export function cacheDirectory(environment = process.env) {
  if (environment.CAPTRAIN_CACHE) return path.resolve(environment.CAPTRAIN_CACHE);
  const caches = environment.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(caches, 'captrain');
}
