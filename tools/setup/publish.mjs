import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { withLock } from './lock.mjs';

/**
 * Makes `target`, a file or a folder of the cache, once: `make(staging)` fills a staging folder beside it and returns
 * what shall take the final name (the staging folder itself unless it says otherwise), in one rename. A killed set-up
 * leaves staging behind, never half of anything under the final name; the next one clears it away. Returns `target`.
 */
export async function publish(target, make) {
  if (existsSync(target)) return target;
  return await withLock(`${target}.lock`, async () => {
    if (existsSync(target)) return target;
    await removeAbandoned(target);
    const staging = `${target}.staging-${process.pid}-${randomBytes(4).toString('hex')}`;
    await mkdir(staging, { recursive: true });
    try {
      const made = await make(staging);
      await rename(made ?? staging, target);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    return target;
  });
}

/** Whoever held the lock before and left staging behind is gone: we hold it now. */
async function removeAbandoned(target) {
  const parent = path.dirname(target);
  const prefix = `${path.basename(target)}.staging-`;
  const abandoned = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  await Promise.all(abandoned.map((name) => rm(path.join(parent, name), { recursive: true, force: true })));
}
