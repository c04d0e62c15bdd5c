import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError, messageOf, sha256 } from '@captrain/runtime';
import { breakIfDead, withFileLock } from './file-lock.js';
import type { ObjectStat, ObjectStore, PutCondition } from './object-store.js';
import { ConflictError, NotFoundError, checkedPath, reservedNamePrefix } from './object-store.js';
import { type PutBody, partsOf } from './put-body.js';
import { isAbandoned, isTemporary, temporaryName } from './temporary-file.js';

const lockPrefix = `${reservedNamePrefix}lock-`;

/** Files whose sizes are asked for at once, when a folder is listed. */
const statsAtOnce = 256;

/**
 * A folder as an object store. A put writes a file beside, brings it to the disk, and renames it; every put and
 * delete of one path holds that path's lock, so a condition cannot become false between its check and the rename,
 * whichever processes write. The etag is the SHA-256 of the content. Folders come into being as needed, and go with their
 * last object. Links inside the folder are followed: they are the user's, and names cannot lead out of the folder.
 */
export class FolderStore implements ObjectStore {
  readonly uri: string;

  constructor(folder: string) {
    this.uri = path.resolve(folder);
  }

  async get(name: string): Promise<Buffer> {
    return this.#mended(name, 'read', () => readFile(this.#file(name)));
  }

  async getRange(name: string, offset: number, length: number): Promise<Buffer> {
    return this.#mended(name, 'read', async () => {
      const file = await open(this.#file(name), 'r');
      try {
        const bytes = Buffer.allocUnsafeSlow(length);
        let done = 0;
        while (done < length) {
          const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0) throw endsBefore(this.#file(name), offset + length);
          done += bytesRead;
        }
        return bytes;
      } finally {
        await file.close();
      }
    });
  }

  async put(name: string, body: PutBody, condition: PutCondition = {}): Promise<{ etag: string }> {
    const parts = partsOf(body);
    const target = this.#file(name);
    const folder = path.dirname(target);
    const temporary = path.join(folder, temporaryName());
    return this.#mended(name, 'write', async () => {
      try {
        await inFolder(folder, () => writeDurably(temporary, parts));
        await this.#locked(target, async (isHeld) => {
          if (!(await holds(condition, target)) || !(await isHeld())) throw new ConflictError(target);
          await rename(temporary, target);
        });
      } finally {
        await rm(temporary, { force: true });
      }
      await syncFolder(folder);
      return { etag: sha256(...parts) };
    });
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    return this.#mended(name, 'read', () => statOf(this.#file(name)));
  }

  async *list(prefix = ''): AsyncGenerator<{ path: string; bytes: number }> {
    const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (top !== '') checkedPath(top.slice(0, -1), this.uri);
    yield* this.#walk(top, prefix);
  }

  async delete(name: string): Promise<void> {
    const target = this.#file(name);
    await this.#mended(name, 'delete', async () => {
      if (!(await isFile(target))) return;
      // Its folder may have gone by now, together with it.
      await this.#locked(target, () => rm(target, { force: true })).catch(unlessMissing);
      await this.#removeEmpty(path.dirname(target));
    });
  }

  async sweep(): Promise<void> {
    const entries = await readdir(this.uri, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      if (entry.name.startsWith(lockPrefix)) await breakIfDead(file);
      if (isTemporary(entry.name) && (await isAbandoned(file))) await rm(file, { force: true });
    }
  }

  child(name: string): ObjectStore {
    return new FolderStore(this.#file(name));
  }

  #file(name: string): string {
    return path.join(this.uri, ...checkedPath(name, this.uri).split('/'));
  }

  #locked<T>(target: string, action: (isHeld: () => Promise<boolean>) => Promise<T>): Promise<T> {
    const lock = `${lockPrefix}${path.basename(target)}`;
    return withFileLock(path.join(path.dirname(target), lock), action);
  }

  /** Removes a folder that has become empty, and those above it in this store. */
  async #removeEmpty(folder: string): Promise<void> {
    for (let empty = folder; empty.startsWith(this.uri + path.sep); empty = path.dirname(empty)) {
      try {
        await rmdir(empty);
      } catch {
        return;
      }
    }
  }

  async *#walk(top: string, prefix: string): AsyncGenerator<{ path: string; bytes: number }> {
    const folder = path.join(this.uri, top);
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
      throw this.#sentence(folder, 'read', error);
    });
    const named = entries
      .filter(({ name }) => !name.startsWith(reservedNamePrefix))
      .map((entry) => ({ key: `${top}${entry.name}${entry.isDirectory() ? '/' : ''}`, entry }))
      .filter(({ key }) => key.startsWith(prefix) || prefix.startsWith(key))
      .map((item) => ({ ...item, order: Buffer.from(item.key) }))
      .sort((a, b) => Buffer.compare(a.order, b.order));
    for (let at = 0; at < named.length; at += statsAtOnce) {
      const part = named.slice(at, at + statsAtOnce);
      const sizes = await Promise.all(part.map(({ key, entry }) => entry.isDirectory() || this.#sizeOf(key)));
      for (const [i, { key }] of part.entries()) {
        const size = sizes[i];
        // A link to a folder is walked too; its place in the order is that of a file.
        if (typeof size === 'number' && key.startsWith(prefix)) yield { path: key, bytes: size };
        else if (size === true) yield* this.#walk(key.endsWith('/') ? key : `${key}/`, prefix);
      }
    }
  }

  /** True for a folder; undefined for what is gone by now, and for a link that leads nowhere. */
  async #sizeOf(key: string): Promise<number | true | undefined> {
    const found = await stat(path.join(this.uri, key)).catch(() => undefined);
    return found?.isDirectory() ? true : found?.size;
  }

  async #mended<T>(name: string, verb: string, action: () => Promise<T>): Promise<T> {
    const file = this.#file(name);
    try {
      return await action();
    } catch (error) {
      throw this.#sentence(file, verb, error);
    }
  }

  #sentence(file: string, verb: string, error: unknown): unknown {
    if (error instanceof UserError) return error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (verb !== 'write' && ['ENOENT', 'EISDIR', 'ENOTDIR'].includes(code))
      return new NotFoundError(file, { cause: error });
    const remedy = remedies[code];
    if (remedy) return new UserError(`Cannot ${verb} ${file}: ${remedy}`, { cause: error });
    return new Error(`Cannot ${verb} ${file}: ${messageOf(error)}`, { cause: error });
  }
}

const notPermitted = 'permission denied; change its permissions, or choose a folder of your own';
const inTheWay = 'a file or folder of that name is in the way; remove it, or choose another place';
const remedies: Record<string, string> = {
  EACCES: notPermitted,
  EPERM: notPermitted,
  EROFS: 'the file system is read-only; choose another place',
  ENOSPC: 'the disk is full; make room, or choose another place',
  EFBIG: 'a limit on the size of files is reached; raise it (ulimit -f), or choose another place',
  EDQUOT: 'the disk quota is used up; make room, or choose another place',
  ENOTDIR: inTheWay,
  EISDIR: inTheWay,
  EEXIST: inTheWay,
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
};

/** The error of a range that an object does not have. */
export function endsBefore(uri: string, end: number): UserError {
  return new UserError(`${uri} ends before byte ${end}: it is cut short; write or copy it again`);
}

async function statOf(file: string): Promise<ObjectStat | undefined> {
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
    return { bytes, etag: hash.digest('hex') };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}

async function holds(condition: PutCondition, file: string): Promise<boolean> {
  if (condition.ifMatch === undefined && condition.ifNoneMatch === undefined) return true;
  const now = await statOf(file);
  if (condition.ifNoneMatch !== undefined && now) return false;
  return condition.ifMatch === undefined || now?.etag === condition.ifMatch;
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(unlessMissing))?.isFile() ?? false;
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}

/** Runs `action` in a folder that is made for it; again where others remove it, empty, before it is used. */
async function inFolder(folder: string, action: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(folder, { recursive: true });
      return await action();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 20) throw error;
    }
  }
}

async function writeDurably(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    // Each goes on where the one before it ended.
    for (const part of parts) await handle.writeFile(part);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Brings the rename itself to the disk, where the file system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
