import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Place } from './messages.js';
import { type PrefetchLimits, Prefetcher } from './prefetcher.js';

const wide: PrefetchLimits = { steps: 2, bytes: 1000, atOnce: 4 };

const nameOf = ({ step, microbatch }: Place) => `${step}/${microbatch}`;

/** A prefetcher of batches that are their own names, each of 10 bytes, in a run of `steps` steps of 4 microbatches. */
function setUp({ limits = wide, steps = 100, broken = new Set<string>() } = {}) {
  const [made, delivered, failed]: [string[], string[], string[]] = [[], [], []];
  let [now, most] = [0, 0];
  const prefetcher = new Prefetcher<string>({
    make: async (place) => {
      made.push(nameOf(place));
      most = Math.max(most, ++now);
      await sleep(1);
      now--;
      if (broken.has(nameOf(place))) throw new Error(`no ${nameOf(place)}`);
      return nameOf(place);
    },
    countOf: (step) => (step < steps ? 4 : 0),
    bytesOf: () => 10,
    deliver: (_, batch) => delivered.push(batch),
    fail: (_, error) => failed.push((error as Error).message),
    limits,
  });
  const quiet = async () => {
    for (let before = -1; before !== made.length || now > 0; await sleep(5)) before = made.length;
  };
  return { prefetcher, made, delivered, failed, quiet, mostAtOnce: () => most };
}

const at = (step: number, microbatch: number, cut = 4): Place => ({ step, cut, microbatch });

test('makes what is leased in its order, then the same of the next steps', async () => {
  const { prefetcher, made, delivered, quiet, mostAtOnce } = setUp();
  prefetcher.expect({ step: 5, cut: 4, microbatches: [2, 3] });
  await quiet();
  expect(made).toEqual(['5/2', '5/3', '6/2', '6/3', '7/2', '7/3']);
  expect(delivered.toSorted()).toEqual(made);
  expect(mostAtOnce()).toBe(4);
});

test('makes nothing twice, and goes on when something is taken', async () => {
  const { prefetcher, made, delivered, quiet } = setUp({ limits: { ...wide, bytes: 30, atOnce: 1 } });
  prefetcher.expect({ step: 0, cut: 4, microbatches: [0, 1] });
  await quiet();
  expect(made).toEqual(['0/0', '0/1', '1/0']);
  prefetcher.take(at(0, 0));
  await quiet();
  expect(made).toEqual(['0/0', '0/1', '1/0', '1/1']);
  prefetcher.take(at(0, 1));
  prefetcher.expect({ step: 1, cut: 4, microbatches: [0, 1] });
  prefetcher.take(at(1, 0));
  await quiet();
  expect(made).toEqual(['0/0', '0/1', '1/0', '1/1', '2/0', '2/1']);
  expect(delivered).toEqual(made);
});

test('ends with the run', async () => {
  const { prefetcher, made, quiet } = setUp({ steps: 2 });
  prefetcher.expect({ step: 1, cut: 4, microbatches: [3, 4] });
  await quiet();
  expect(made).toEqual(['1/3']);
});

test('makes at once what nobody foresaw, whatever the bounds', async () => {
  const { prefetcher, delivered, quiet } = setUp({ limits: { steps: 0, bytes: 0, atOnce: 1 } });
  prefetcher.take(at(9, 1));
  prefetcher.take(at(3, 0));
  await quiet();
  expect(delivered).toEqual(['9/1', '3/0']);
});

test('a batch that is taken while it is made, or a second time, is delivered each time', async () => {
  const { prefetcher, made, delivered, quiet } = setUp({ limits: { ...wide, steps: 0 } });
  prefetcher.expect({ step: 0, cut: 4, microbatches: [0] });
  prefetcher.take(at(0, 0));
  await quiet();
  expect(delivered).toEqual(['0/0']);
  prefetcher.take(at(0, 0));
  await quiet();
  expect([made, delivered]).toEqual([
    ['0/0', '0/0'],
    ['0/0', '0/0'],
  ]);
});

test('another lease drops what it makes unlikely, and frees its room; one of the same step adds to it', async () => {
  const { prefetcher, made, delivered, quiet } = setUp({ limits: { steps: 1, bytes: 40, atOnce: 1 } });
  prefetcher.expect({ step: 0, cut: 4, microbatches: [0, 1] });
  await quiet();
  prefetcher.expect({ step: 0, cut: 4, microbatches: [2] });
  await quiet();
  expect(made).toEqual(['0/0', '0/1', '1/0', '1/1']);
  prefetcher.expect({ step: 1, cut: 4, microbatches: [1, 2] });
  await quiet();
  expect(made.slice(4)).toEqual(['1/2', '2/1', '2/2']);
  // Delivered before, and still held.
  prefetcher.take(at(1, 1));
  await quiet();
  expect(delivered.filter((key) => key === '1/1')).toHaveLength(1);
});

test('another cut of the same step drops all that was made', async () => {
  const { prefetcher, made, delivered, quiet } = setUp({ limits: { ...wide, steps: 0 } });
  prefetcher.expect({ step: 1, cut: 2, microbatches: [0, 1] });
  await quiet();
  prefetcher.expect({ step: 1, cut: 4, microbatches: [1] });
  prefetcher.take(at(1, 1));
  await quiet();
  expect(made).toEqual(['1/0', '1/1', '1/1']);
  expect(delivered).toEqual(made);
});

test('a fault is told when the batch is taken, once it has failed again; then it may come', async () => {
  const broken = new Set(['0/1']);
  const { prefetcher, made, delivered, failed, quiet } = setUp({ limits: { ...wide, steps: 0 }, broken });
  prefetcher.expect({ step: 0, cut: 4, microbatches: [0, 1, 2] });
  await quiet();
  expect([delivered.toSorted(), failed]).toEqual([['0/0', '0/2'], []]);
  prefetcher.take(at(0, 1));
  await quiet();
  expect(failed).toEqual(['no 0/1']);
  broken.clear();
  prefetcher.take(at(0, 1));
  await quiet();
  expect(delivered).toContain('0/1');
  expect(made.filter((key) => key === '0/1')).toHaveLength(3);
});
