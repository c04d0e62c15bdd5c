import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './progress.mjs';

const heartbeatMs = 5_000;
const staleMs = 60_000;

/**
 * Runs `work` while no other set-up holds `file`; waits, and says for whom. The owner touches the file every few
 * seconds, so that one whose process is gone (or, on a shared home, whose machine is) is recognised and replaced.
 * Should two owners meet all the same, nothing breaks: what they make is published by atomic renames.
 */
export async function withLock(file, work) {
  await mkdir(path.dirname(file), { recursive: true });
  await acquire(file);
  const heartbeat = setInterval(() => utimes(file, new Date(), new Date()).catch(() => {}), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(file, { force: true });
  }
}

async function acquire(file) {
  for (let told = false; !(await tryCreate(file)); await sleep(200)) {
    const owner = await readOwner(file);
    if (owner === undefined) continue;
    if (owner.stale) {
      await removeStale(file, owner.text);
    } else if (!told) {
      say(`waiting for another set-up (process ${owner.pid} on ${owner.host})`);
      told = true;
    }
  }
}

async function tryCreate(file) {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(JSON.stringify({ pid: process.pid, host: os.hostname(), at: Date.now() }));
    await handle.close();
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Who holds the lock; undefined when it has just been released. */
async function readOwner(file) {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const { pid, host } = text === '' ? { pid: '?', host: '?' } : JSON.parse(text);
    const silent = Date.now() - mtimeMs > staleMs;
    return { pid, host, text, stale: silent || (host === os.hostname() && !isAlive(pid)) };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Only one waiter at a time may remove a stale lock, and only the very one that it looked at. */
async function removeStale(file, text) {
  const guard = `${file}.break`;
  const guardAge = await stat(guard).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  if (guardAge > staleMs) await rm(guard, { force: true });
  if (!(await tryCreate(guard))) return;
  try {
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}
