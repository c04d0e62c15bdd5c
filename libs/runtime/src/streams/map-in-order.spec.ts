import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inBatches, mapInOrder } from './map-in-order.js';

async function* count(to: number) {
  for (let i = 0; i < to; i++) yield i;
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test('gives results in order, however long each takes, and never runs more than asked at once', async () => {
  let [running, most] = [0, 0];
  const results = await collect(
    mapInOrder(count(20), 4, async (i) => {
      most = Math.max(most, ++running);
      await sleep((i * 7) % 5);
      running--;
      return i * i;
    }),
  );
  expect(results).toEqual(Array.from({ length: 20 }, (_, i) => i * i));
  expect(most).toBe(4);
});

test('reports an error after the results before it', async () => {
  const seen: number[] = [];
  const run = async () => {
    const squares = mapInOrder(count(9), 4, async (i) => {
      if (i === 5) throw new Error('picture 5');
      return i;
    });
    for await (const i of squares) seen.push(i);
  };
  await expect(run()).rejects.toThrow('picture 5');
  expect(seen).toEqual([0, 1, 2, 3, 4]);
});

test('batches keep the order and hold the rest', async () => {
  expect(await collect(inBatches(count(7), 3))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
});
