import { CHUNK_BYTES } from '@captrain/protos';
import { afterEach, expect, it } from 'vitest';
import { reduceThrough } from './reduce-through.js';
import type { Reduction } from './reduction.js';
import { sayHello } from './testing/raw-worker.js';
import { type ReducingProcess, startReducing } from './testing/reducing-process.js';

const MIB = 1024 * 1024;
/** 160 MiB of float32: far more than may be under way. */
const TOTAL = 40 * MIB;
/** The chunks that wait and those in work on both sides, and some for the kernel's own. */
const UNDER_WAY_BYTES = 40 * MIB;

const plan: Reduction = {
  generation: 1,
  step: 1,
  leaves: 1,
  total: TOTAL,
  first: 0,
  end: TOTAL,
  format: 'float32',
  contributions: new Map([
    [0, [{ first: 0, count: 1 }]],
    [1, []],
  ]),
};

let reducing: ReducingProcess | undefined;
afterEach(() => reducing?.close());

/** Worker 0 sends as fast as it may, until a while after the last chunk has gone. */
async function bytesSentWithin(milliseconds: number, leaves: number): Promise<number> {
  let sent = 0;
  const life = new AbortController();
  const [result, values] = [new Float32Array(TOTAL), new Float32Array(TOTAL)];
  const exchange = reduceThrough(reducing!.connect(), {
    ...{ generation: 1, step: 1, worker: 0, leaves, total: TOTAL, first: 0, end: TOTAL, format: 'float32' },
    ...{ sums: [{ subtree: { first: 0, count: 1 }, values }], result, signal: life.signal },
    onChunkSent: (sentValues) => (sent = 4 * sentValues),
  });
  exchange.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  life.abort();
  await expect(exchange).rejects.toThrow();
  return sent;
}

it('a worker that others wait for makes them wait, not the reducer hold what they send', async () => {
  reducing = await startReducing();
  void reducing.reducer.open({
    ...plan,
    leaves: 2,
    contributions: new Map([
      [0, [{ first: 0, count: 1 }]],
      [1, [{ first: 1, count: 1 }]],
    ]),
  });
  const late = reducing.connect();
  sayHello(late.call('send'), { generation: 1, step: 1 });
  sayHello(late.call('receive'), { generation: 1, step: 1, receives: true });
  expect(await bytesSentWithin(1500, 2)).toBeLessThan(UNDER_WAY_BYTES);
});

it('a worker that does not take the sum makes the others wait, not the reducer hold it', async () => {
  reducing = await startReducing();
  void reducing.reducer.open(plan);
  const idle = reducing.connect().call('receive');
  sayHello(idle, { generation: 1, step: 1, receives: true });
  idle.chunks.expect(CHUNK_BYTES);
  expect(await bytesSentWithin(1500, 1)).toBeLessThan(UNDER_WAY_BYTES);
  expect((await idle.chunks.next())!.offset).toBe(0);
});
