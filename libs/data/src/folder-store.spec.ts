import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '@captrain/runtime';
import { requireConditionalWrites } from './conditional-writes.js';
import { FolderStore } from './folder-store.js';
import { countsFromManyProcesses, describesAnObjectStore } from './object-store.cases.js';
import { openStore } from './open-store.js';
import type { PutBody } from './put-body.js';
import { temporaryName } from './temporary-file.js';

const root = await mkdtemp(path.join(tmpdir(), 'captrain-store-'));
let count = 0;
const open = async () => new FolderStore(path.join(root, `store-${count++}`));
afterAll(() => rm(root, { recursive: true }));

/** A process that holds a lock and, if a folder is given, is half through with writing a file there. */
async function holder(lock: string, folder?: string) {
  const [program, ...modules] = ['testing/hold.mjs', 'file-lock.ts', 'temporary-file.ts'].map(
    (name) => new URL(name, import.meta.url).pathname,
  );
  const child = spawn(
    process.execPath,
    [program!, lock, ...modules, ...(folder === undefined ? [] : [folder])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(child.stdout, 'data');
  return child;
}

describe('a folder store', () => {
  describesAnObjectStore(open);
  countsFromManyProcesses(open, () => ({}));

  it('leaves nothing but the objects behind', async () => {
    const store = await open();
    await store.put('a', '1');
    await Promise.allSettled([1, 2, 3].map((i) => store.put('a', String(i), { ifNoneMatch: '*' })));
    expect(await readdir(store.uri)).toEqual(['a']);
  });

  it('removes a folder with its last object, also while others write there', async () => {
    const store = await open();
    await store.put('runs/one/a', '1');
    await store.put('runs/two', '2');
    await store.delete('runs/one/a');
    expect(await readdir(path.join(store.uri, 'runs'))).toEqual(['two']);
    const come = async (i: number) => {
      for (let round = 0; round < 20; round++) {
        await store.put(`busy/${i}`, 'x');
        await store.delete(`busy/${i}`);
      }
    };
    await Promise.all([1, 2, 3, 4].map(come));
    expect(await readdir(store.uri)).toEqual(['runs']);
  });

  it('goes on after a writer that was killed while it held the lock', async () => {
    const store = await open();
    await store.put('LATEST', 'old');
    const lock = path.join(store.uri, '.captrain-lock-LATEST');
    const child = await holder(lock);
    const put = store.put('LATEST', 'new');
    const early = await Promise.race([put, new Promise((resolve) => setTimeout(resolve, 100, 'waiting'))]);
    expect(early).toBe('waiting');
    child.kill('SIGKILL');
    await put;
    expect((await store.get('LATEST')).toString()).toBe('new');
  });

  it('goes on after a writer that was killed before its lock said anything', async () => {
    const store = await open();
    await store.put('LATEST', 'old');
    await writeFile(path.join(store.uri, '.captrain-lock-LATEST'), '');
    await store.put('LATEST', 'new');
    expect(await readdir(store.uri)).toEqual(['LATEST']);
  });

  it('sweeps what a killed writer of this machine has left, at once, and nothing of those that live', async () => {
    const store = await open();
    await store.put('a', '1');
    await writeFile(path.join(store.uri, temporaryName()), 'half');
    const writer = await holder(path.join(store.uri, '.captrain-lock-a'), store.uri);
    await store.sweep();
    expect(await readdir(store.uri)).toHaveLength(4);
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    await store.sweep();
    const left = await readdir(store.uri);
    expect(left).toHaveLength(2);
    expect(left).toContain('a');
  });

  it('is told from a store that ignores conditions', async () => {
    class CarelessStore extends FolderStore {
      override put(name: string, bytes: PutBody) {
        return super.put(name, bytes);
      }
    }
    const store = new CarelessStore(path.join(root, 'careless'));
    await expect(requireConditionalWrites(store)).rejects.toThrow(`${store.uri} ignores conditional writes`);
  });

  it('says in a sentence what stands in the way of a write', async () => {
    const file = path.join(root, 'a-file');
    await writeFile(file, '');
    const store = await openStore(file);
    const put = store.put('x', 'y');
    await expect(put).rejects.toThrow(UserError);
    await expect(put).rejects.toThrow(`Cannot write ${file}/x: a file or folder of that name is in the way`);
  });

  it('opens from a path or a file URL, and refuses other kinds by name', async () => {
    expect((await openStore('some/where/')).uri).toBe(path.resolve('some/where'));
    expect((await openStore('file:///some/where')).uri).toBe('/some/where');
    await expect(openStore('gs://bucket/x')).rejects.toThrow(
      'of the kind gs; use a folder or s3://BUCKET/PREFIX',
    );
  });
});
