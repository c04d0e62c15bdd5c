import { beforeAll, expect, test } from 'vitest';
import { type Trace, perfettoTrace, profileOps, startEngine, tf } from '../index.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

test('a trace is well-formed: named tracks, and on each of them events that nest', () => {
  const startUs = performance.now() * 1000;
  const { ops } = profileOps(() =>
    tf.tidy(() => tf.sum(tf.matMul(tf.ones([256, 256]), tf.ones([256, 256]))).dataSync()),
  );
  const marks = [{ stage: 'forward', startUs, endUs: performance.now() * 1000 }];
  const { traceEvents, displayTimeUnit } = JSON.parse(JSON.stringify(perfettoTrace(ops, marks))) as Trace;
  expect(displayTimeUnit).toBe('ms');

  const tracks = new Map(
    traceEvents.flatMap((event) =>
      event.ph === 'M' && event.name === 'thread_name' ? [[event.tid, event.args['name']]] : [],
    ),
  );
  expect([...tracks.values()]).toEqual(['stages', ...new Set(ops.map(({ thread }) => thread))]);
  const complete = traceEvents.filter((event) => event.ph === 'X');
  expect(complete).toHaveLength(ops.length + 1);
  for (const { pid, tid, name, ts, dur } of complete) {
    expect(tracks.has(tid)).toBe(true);
    expect(pid).toBe(traceEvents[0]!.pid);
    expect(name).not.toBe('');
    expect(ts).toBeGreaterThanOrEqual(0);
    expect(dur).toBeGreaterThanOrEqual(0);
  }
  for (const tid of tracks.keys()) {
    const own = complete.filter((event) => event.tid === tid).sort((a, b) => a.ts - b.ts || b.dur - a.dur);
    const open: number[] = [];
    for (const { ts, dur } of own) {
      while (open.length > 0 && open.at(-1)! <= ts + 0.001) open.pop();
      if (open.length > 0) expect(ts + dur).toBeLessThanOrEqual(open.at(-1)! + 0.001);
      open.push(ts + dur);
    }
  }
  const stage = complete.find(({ cat }) => cat === 'stage')!;
  const matmul = complete.find(({ name }) => name.endsWith('MatMulV2'))!;
  expect(matmul.ts).toBeGreaterThan(stage.ts - 100);
  expect(matmul.ts + matmul.dur).toBeLessThan(stage.ts + stage.dur + 100);
  expect(matmul.args?.['outputBytes']).toBe(4 * 256 * 256);
});
