import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, it } from 'vitest';
import { UserError } from '@captrain/runtime';
import { requireConditionalWrites } from './conditional-writes.js';
import type { ObjectStore } from './object-store.js';
import { ConflictError, NotFoundError } from './object-store.js';
import { readPieces } from './read-pieces.js';
import { readVersion } from './read-version.js';

const fixtures = path.join(import.meta.dirname, '../fixtures');
const runSource = path.join(import.meta.dirname, '../../../tools/run-source.mjs');

/** What every object store does. `open` gives an empty store each time. */
export function describesAnObjectStore(open: () => Promise<ObjectStore>): void {
  it('gives back what was put, whole and by range', async () => {
    const store = await open();
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
    await store.put('a/b.bin', bytes);
    expect((await store.get('a/b.bin')).equals(bytes)).toBe(true);
    expect(await store.getRange('a/b.bin', 0, 3)).toEqual(bytes.subarray(0, 3));
    expect(await store.getRange('a/b.bin', 70_000, 1234)).toEqual(bytes.subarray(70_000, 71_234));
    expect(await store.getRange('a/b.bin', 99_999, 1)).toEqual(bytes.subarray(99_999));
    expect(await store.getRange('a/b.bin', 5, 0)).toHaveLength(0);
  });

  it('joins a body in parts, of any sizes', async () => {
    const store = await open();
    const parts = [
      Buffer.from('header'),
      new Uint8Array(),
      new Uint8Array(new Float32Array([1, 2]).buffer, 4),
    ];
    const { etag } = await store.put('parts', parts);
    expect(await store.get('parts')).toEqual(Buffer.concat(parts));
    expect((await store.stat('parts'))?.etag).toBe(etag);
    await store.put('parts', [], { ifMatch: etag });
    expect(await store.get('parts')).toHaveLength(0);
  });

  it('keeps empty objects, text, and names with spaces and accents', async () => {
    const store = await open();
    await store.put('empty', Buffer.alloc(0));
    await store.put('été 50% + #1?.txt', 'Füße');
    expect(await store.get('empty')).toHaveLength(0);
    expect((await store.get('été 50% + #1?.txt')).toString()).toBe('Füße');
    expect((await all(store.list())).map(({ path }) => path)).toEqual(['empty', 'été 50% + #1?.txt']);
  });

  it('says what is not there', async () => {
    const store = await open();
    await expect(store.get('nothing')).rejects.toThrow(NotFoundError);
    await expect(store.getRange('no/thing', 0, 1)).rejects.toThrow(`${store.uri}/no/thing does not exist`);
    expect(await store.stat('nothing')).toBeUndefined();
    await store.delete('nothing');
  });

  it('says that an object ends before the range asked for', async () => {
    const store = await open();
    await store.put('short', 'abc');
    await expect(store.getRange('short', 1, 3)).rejects.toThrow('ends before byte 4');
    await expect(store.getRange('short', 10, 3)).rejects.toThrow(UserError);
  });

  it('replaces and deletes', async () => {
    const store = await open();
    await store.put('x', 'one');
    await store.put('x', 'three');
    expect((await store.get('x')).toString()).toBe('three');
    expect((await store.stat('x'))?.bytes).toBe(5);
    await store.delete('x');
    expect(await store.stat('x')).toBeUndefined();
  });

  it('lists by prefix, in the order of the bytes of the paths', async () => {
    const store = await open();
    const paths = ['a-b', 'a/1', 'a/2/3', 'a0', 'b/ü', 'b/z', 'steps/1', 'steps/10', 'stop'];
    for (const path of paths.toReversed()) await store.put(path, path);
    const list = async (prefix?: string) => (await all(store.list(prefix))).map(({ path }) => path);
    expect(await list()).toEqual(paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(await list('a/')).toEqual(['a/1', 'a/2/3']);
    expect(await list('st')).toEqual(['steps/1', 'steps/10', 'stop']);
    expect(await list('steps/1')).toEqual(['steps/1', 'steps/10']);
    expect(await list('none/')).toEqual([]);
    expect(await all(store.list('a/2'))).toEqual([{ path: 'a/2/3', bytes: 5 }]);
  });

  it('has stores below it', async () => {
    const store = await open();
    const child = store.child('runs/one');
    await child.put('LATEST', '7');
    expect(child.uri).toBe(`${store.uri}/runs/one`);
    expect((await store.get('runs/one/LATEST')).toString()).toBe('7');
    expect(await all(child.list())).toEqual([{ path: 'LATEST', bytes: 1 }]);
  });

  it('refuses paths that lead out of it', async () => {
    const store = (await open()).child('inner');
    for (const path of ['../secret', '/etc/passwd', 'a/../../b', 'a//b', './a', '', 'a\\..\\b']) {
      await expect(async () => store.get(path)).rejects.toThrow(UserError);
      await expect(async () => store.put(path, 'x')).rejects.toThrow(`"${path}" is not a path inside`);
      expect(() => store.child(path)).toThrow(UserError);
    }
  });

  it('creates an object only once', async () => {
    const store = await open();
    const { etag } = await store.put('lease', 'first', { ifNoneMatch: '*' });
    await expect(store.put('lease', 'second', { ifNoneMatch: '*' })).rejects.toThrow(ConflictError);
    expect((await store.get('lease')).toString()).toBe('first');
    expect((await store.stat('lease'))?.etag).toBe(etag);
  });

  it('replaces only the version that was read', async () => {
    const store = await open();
    const one = await store.put('LATEST', 'step 1');
    const two = await store.put('LATEST', 'step 2', { ifMatch: one.etag });
    await expect(store.put('LATEST', 'step 2b', { ifMatch: one.etag })).rejects.toThrow(ConflictError);
    expect((await store.get('LATEST')).toString()).toBe('step 2');
    await store.put('LATEST', 'step 3', { ifMatch: two.etag });
    expect((await store.get('LATEST')).toString()).toBe('step 3');
    await expect(store.put('other', 'x', { ifMatch: two.etag })).rejects.toThrow(ConflictError);
    expect(await store.stat('other')).toBeUndefined();
  });

  it('gives an object in pieces', async () => {
    const store = await open();
    const bytes = Buffer.alloc((17 << 20) + 3);
    for (let i = 0; i < bytes.length; i += 4093) bytes[i] = i % 251;
    await store.put('large', bytes);
    const pieces = await all(readPieces(store, 'large', bytes.length));
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    expect(await all(readPieces(store, 'large', 0))).toEqual([]);
    await expect(all(readPieces(store, 'large', bytes.length + 1))).rejects.toThrow('cut short');
  });

  it('gives content and etag of one version', async () => {
    const store = await open();
    expect(await readVersion(store, 'LATEST')).toBeUndefined();
    await store.put('LATEST', 'step 1');
    const { bytes, etag } = (await readVersion(store, 'LATEST'))!;
    expect(bytes.toString()).toBe('step 1');
    await store.put('LATEST', 'step 2', { ifMatch: etag });
  });

  it('shows that it honours conditions, and leaves nothing behind', async () => {
    const store = await open();
    await requireConditionalWrites(store);
    expect(await all(store.list())).toEqual([]);
  });

  it('lets exactly one of many writers at once win', async () => {
    const store = await open();
    const { etag } = await store.put('LATEST', 'start');
    const attempts = Array.from({ length: 8 }, (_, i) =>
      store.put('LATEST', `writer ${i}`, { ifMatch: etag }),
    );
    const results = await Promise.allSettled(attempts);
    const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ConflictError);
    expect((await store.get('LATEST')).toString()).toBe(`writer ${winners[0]}`);
  });
}

/**
 * Counts from several processes at once in one object, each step by a conditional put: a lost update would show as a
 * smaller sum. `env` is what the processes need to reach the store.
 */
export function countsFromManyProcesses(
  open: () => Promise<ObjectStore>,
  env: () => NodeJS.ProcessEnv,
): void {
  it('loses no update of several processes that write one object', async () => {
    const store = await open();
    await store.put('counter', '0');
    const processes = 3;
    const steps = 15;
    const exits = Array.from({ length: processes }, async () => {
      const args = [path.join(fixtures, 'count.ts'), store.uri, String(steps)];
      const child = fork(runSource, args, { env: { ...process.env, ...env() } });
      const [code] = await once(child, 'exit');
      return code as number;
    });
    expect(await Promise.all(exits)).toEqual([0, 0, 0]);
    expect((await store.get('counter')).toString()).toBe(String(processes * steps));
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
