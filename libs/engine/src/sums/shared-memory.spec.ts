import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { SharedMemory } from './shared-memory.js';
import { sumParts } from './sum-parts.js';

const fixtures = path.join(import.meta.dirname, '../../fixtures');
const runSource = path.join(import.meta.dirname, '../../../../tools/run-source.mjs');
const peer = path.join(fixtures, 'shared-memory-peer.ts');

/** How often this process has shared memory mapped, and open. */
function held(): { mapped: number; open: number } {
  const mapped = readFileSync('/proc/self/maps', 'utf8').match(/memfd:captrain/g)?.length ?? 0;
  const isShared = (descriptor: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).includes('memfd:captrain');
    } catch {
      return false; // The one by which the folder was read.
    }
  };
  return { mapped, open: readdirSync('/proc/self/fd').filter(isShared).length };
}

describe('shared memory', { timeout: 120_000 }, () => {
  test('is seen by another process and another thread, and what they write is seen here', async () => {
    const shared = SharedMemory.create(1_000_000);
    const floats = shared.floats(10, 3);
    floats.set([1, 2, 3]);
    const names = [shared.process, shared.descriptor, shared.bytes].map(String);
    await promisify(execFile)(process.execPath, [runSource, peer, 'double', ...names]);
    expect([...floats]).toEqual([2, 4, 6]);

    const thread = new Worker(runSource, { argv: [peer, 'double', ...names], execArgv: [] });
    expect(await once(thread, 'exit')).toEqual([0]);
    expect([...floats]).toEqual([4, 8, 12]);
    expect([...shared.view(40, 4)]).toEqual([0, 0, 128, 64]);
    shared.close();
  });

  test('of a process that was killed is there for those who have it, and for nobody else', async () => {
    const files = () => readdirSync('/dev/shm').length;
    const before = files();
    const child = spawn(process.execPath, [runSource, peer, 'make', '4000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const name = JSON.parse(line.toString()) as { process: number; descriptor: number };
    const shared = SharedMemory.open(name.process, name.descriptor, 4000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(shared.floats().every((value) => value === 7)).toBe(true);
    expect(() => SharedMemory.open(name.process, name.descriptor, 4000)).toThrow('No such file or directory');
    expect(files()).toBe(before);
    shared.close();
    expect(held()).toEqual({ mapped: 0, open: 0 });
  });

  test('is empty, not a crash, once it is closed', () => {
    const shared = SharedMemory.create(4096);
    const other = SharedMemory.open(process.pid, shared.descriptor, 4096);
    const views = [shared.floats(), shared.view(1, 7), other.floats()];
    expect(held()).toEqual({ mapped: 2, open: 1 });
    shared.close();
    shared.close();
    other.close();
    expect(views.map(({ length }) => length)).toEqual([0, 0, 0]);
    expect(views[0]![0]).toBeUndefined();
    expect(() => shared.floats()).toThrow('this shared memory is closed');
    expect(held()).toEqual({ mapped: 0, open: 0 });
  });

  test('that is closed while it is summed over stays until the sum is there', async () => {
    const shared = SharedMemory.create(64 << 20);
    const bytes = shared.view();
    const floats = shared.floats().fill(0.5);
    const into = new Uint8Array(bytes.length);
    const order = Int16Array.of(0);
    const sums = [1, 2].map(() => sumParts({ parts: [bytes], order, format: 'float32', into }));
    shared.close();
    expect(floats.length).toBe(16 << 20);
    await Promise.all(sums);
    expect(new Float32Array(into.buffer).at(-1)).toBe(0.5);
    expect(floats.length).toBe(0);
    expect(held()).toEqual({ mapped: 0, open: 0 });
  });

  test('that nobody closes goes with its last array', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let i = 0; i < 50; i++)
      SharedMemory.create(1 << 20)
        .floats()
        .fill(1);
    expect(held().mapped).toBeGreaterThan(0);
    for (let i = 0; i < 100 && held().mapped + held().open > 0; i++) {
      collect();
      await setTimeout(10);
    }
    expect(held()).toEqual({ mapped: 0, open: 0 });
  });

  test('goes with a thread that ends in the middle of a sum', async () => {
    const code = `
      const { createRequire } = require('node:module');
      const addon = require(process.argv[2]);
      const { buffer } = addon.createSharedMemory(256 << 20);
      const bytes = new Uint8Array(buffer);
      addon.sumParts({ parts: [bytes], checksums: new Uint32Array(), order: new Int16Array(1), depth: 1,
        format: 'float32', length: 64 << 20, into: bytes, values: undefined });
      require('node:worker_threads').parentPort.postMessage('started');
    `;
    const { anyBuild } = await import('../native-build.js');
    const thread = new Worker(code, { eval: true, argv: [path.join(anyBuild(), 'captrain_sums.node')] });
    await once(thread, 'message');
    await thread.terminate();
    expect(held()).toEqual({ mapped: 0, open: 0 });
  });

  test('that is not there, is something else, or is too small is refused with the reason', () => {
    const shared = SharedMemory.create(100);
    const where = (descriptor: number) =>
      `no shared memory under descriptor ${descriptor} of process ${process.pid}`;
    expect(() => SharedMemory.open(process.pid, 9999, 4)).toThrow(
      `${where(9999)}: No such file or directory`,
    );
    expect(() => SharedMemory.open(process.pid, 0, 4)).toThrow(`${where(0)}: it is another file`);
    expect(() => SharedMemory.open(process.pid, shared.descriptor, 101)).toThrow(
      `${where(shared.descriptor)}: it has 100 bytes, not 101`,
    );
    shared.close();
    expect(() => SharedMemory.open(process.pid, shared.descriptor, 100)).toThrow(where(shared.descriptor));
    for (const bytes of [0, -1, 1.5, NaN, 2 ** 33]) {
      expect(() => SharedMemory.create(bytes)).toThrow(
        `shared memory has a whole number of bytes from 1 to 4294967296, not ${bytes}`,
      );
    }
  });
});
