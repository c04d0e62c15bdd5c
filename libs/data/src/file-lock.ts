import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessIdentity, hasEnded, thisProcess } from '@captrain/runtime';
import { temporaryName } from './temporary-file.js';

/** A lock whose holder has shown no sign of life for this long is broken. */
const staleAfterMs = 30_000;
const heartbeatMs = 5_000;

/** A lock file that says nothing is one whose holder died while it made it, where files cannot be linked. */
const staleIfEmptyMs = 3_000;

interface Holder extends ProcessIdentity {
  readonly id: string;
}

/**
 * Runs `action` while this process alone holds the lock file `path`, among all processes of all machines that share
 * the folder (exclusive creation is atomic on local disks and on NFS). A holder touches its file while it works;
 * one that died is recognised at once on the same machine, and after 30 seconds of silence from elsewhere.
 *
 * `action` is given `isHeld`: ask it right before the step that must not be done twice, because a holder that was
 * stopped for longer than that may have lost its lock. Rejects with an AbortError once `signal` aborts the waiting.
 */
export async function withFileLock<T>(
  path: string,
  action: (isHeld: () => Promise<boolean>) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const mine: Holder = { id: randomUUID(), ...thisProcess() };
  const watch: Watch = {};
  for (let waitMs = 2; !(await create(path, mine)); waitMs = Math.min(waitMs * 2, 50)) {
    const dead = await deadHolder(path, watch);
    if (dead !== undefined) await breakLock(path, dead);
    else await sleep(waitMs, undefined, { signal });
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, heartbeatMs);
  heartbeat.unref();
  const isHeld = async () => (await readHolder(path)) === mine.id;
  try {
    return await action(isHeld);
  } finally {
    clearInterval(heartbeat);
    if (await isHeld()) await rm(path, { force: true });
  }
}

/** Takes a lock file away whose holder is known to have ended: one of this machine. */
export async function breakIfDead(path: string): Promise<void> {
  const dead = await deadHolder(path, {});
  if (dead !== undefined) await breakLock(path, dead);
}

/** The file is there with its content or not at all, for its maker may be killed at any moment. */
async function create(path: string, mine: Holder): Promise<boolean> {
  if (existsSync(path)) return false;
  // If its maker is killed, it is swept as any other half-written file.
  const beside = join(dirname(path), temporaryName());
  try {
    await writeNew(beside, mine);
    await link(beside, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!withoutLinks.has(code)) throw error;
  } finally {
    await rm(beside, { force: true });
  }
  return writeNew(path, mine).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
}

/** What file systems that have no links say. */
const withoutLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

async function writeNew(path: string, holder: Holder): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(JSON.stringify(holder));
  } finally {
    await file.close();
  }
}

interface Watch {
  seen?: string;
  since?: number;
}

/** The id (or, of a file without one, its content) of a holder that no longer lives; undefined if it may live. */
async function deadHolder(path: string, watch: Watch): Promise<string | undefined> {
  let text: string;
  let touched: number;
  try {
    text = await readFile(path, 'utf8');
    touched = (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
  const holder = parseHolder(text);
  if (holder && hasEnded(holder)) return holder.id;
  // Our own clock measures the silence, because the machines' clocks may differ.
  const sign = `${text} ${touched}`;
  if (watch.seen !== sign) Object.assign(watch, { seen: sign, since: performance.now() });
  const patienceMs = text === '' ? staleIfEmptyMs : staleAfterMs;
  return performance.now() - (watch.since ?? 0) > patienceMs ? (holder?.id ?? text) : undefined;
}

/** Takes the dead holder's file away; if another broke it first and holds the lock now, theirs is put back. */
async function breakLock(path: string, dead: string): Promise<void> {
  const aside = join(dirname(path), temporaryName());
  try {
    await rename(path, aside);
    if ((await readHolder(aside)) !== dead) await link(aside, path);
  } catch {
    // Someone else was quicker: the next attempt looks again.
  } finally {
    await rm(aside, { force: true });
  }
}

async function readHolder(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    return parseHolder(text)?.id ?? text;
  } catch {
    return undefined;
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}
