import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { reduceThrough } from './reduce-through.js';
import type { SubtreeSum } from './reduction.js';
import { startReducing } from './testing/reducing-process.js';

test('a result is not written to before its owner is done with the sum of the step before, though it gives nothing', async () => {
  const { reducer, connect, close } = await startReducing();
  const [total, all] = [100, { first: 0, count: 1 }];
  const range = { generation: 1, step: 2, total, first: 0, end: total, format: 'float32' } as const;
  const result = new Float32Array(total).fill(7);
  let isDone!: (sums: readonly SubtreeSum[]) => void;
  const own = reducer.open(
    {
      ...range,
      leaves: 1,
      contributions: new Map([
        [1, []],
        [2, [all]],
      ]),
    },
    { worker: 1, sums: new Promise((resolve) => (isDone = resolve)), result },
  );
  const other = reduceThrough(connect(), {
    ...{ ...range, leaves: 1, worker: 2, sums: [{ subtree: all, values: new Float32Array(total).fill(3) }] },
    ...{ result: new Float32Array(total), signal: AbortSignal.timeout(10_000) },
  });
  await sleep(100);
  expect(new Set(result)).toEqual(new Set([7]));
  isDone([]);
  await Promise.all([own, other]);
  expect(new Set(result)).toEqual(new Set([3]));
  close();
});
