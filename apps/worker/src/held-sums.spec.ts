import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { SharedMemory } from '@captrain/engine/sums';
import type { Subtree } from '@captrain/protos';
import { beforeAll, describe, expect, test } from 'vitest';
import { Abandoned } from './abandoned.js';
import { HeldSums } from './held-sums.js';
import type { SharedBuffers } from './shared-buffers.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const LENGTH = 6;
const LEAVES = 7;

/** Float32 values whose sum depends on the order of addition. */
function leaf(microbatch: number): Float32Array {
  return Float32Array.from(
    { length: LENGTH },
    (_, i) => Math.sin(microbatch * 97 + i) * 10 ** ((microbatch + i) % 7),
  );
}

function treeSum({ first, count }: Subtree): Float32Array {
  if (count === 1) return leaf(first);
  const left = treeSum({ first, count: count / 2 });
  if (first + count / 2 >= LEAVES) return left;
  const right = treeSum({ first: first + count / 2, count: count / 2 });
  return left.map((value, i) => value + right[i]!);
}

/** Memory of this process alone, counted. */
function buffers() {
  const free: SharedMemory[] = [];
  const counts = { made: 0, free: () => free.length };
  const pool = {
    take: async () => free.pop() ?? (counts.made++, SharedMemory.create(LENGTH * 4)),
    give: (memory: SharedMemory) => void free.push(memory),
    trim: (kept: number) => free.splice(kept).forEach((memory) => memory.close()),
  };
  return { pool: pool as unknown as SharedBuffers, counts };
}

function heldSums() {
  const { pool, counts } = buffers();
  const computed: number[] = [];
  const sums = new HeldSums(pool);
  sums.begin(3, 8, LEAVES);
  let until = Infinity;
  const compute = async (microbatch: number) => {
    if (microbatch >= until) throw new Abandoned();
    computed.push(microbatch);
    const value = leaf(microbatch);
    const samples = Uint32Array.of(2 * microbatch, 2 * microbatch + 1);
    const rest = { captionTokens: microbatch + 1, captions: 2, samples, seconds: 1, inputSeconds: 0.25 };
    return {
      gradients: [tf.tensor1d(value.slice(0, 4)), tf.tensor1d(value.slice(4))],
      sums: { lossSum: microbatch / 2, ...rest },
    };
  };
  const get = async (first: number, count: number) =>
    Float32Array.from((await sums.get({ first, count }, { gradient: compute })).memory.floats());
  return { sums, computed, counts, get, abandonAt: (microbatch: number) => (until = microbatch) };
}

describe('the sums that a worker holds of a step', () => {
  test('are computed once, and added up the one tree when a plan leases them together', () =>
    expectNoLeak(async () => {
      const { computed, get, counts } = heldSums();
      for (const [first, count] of [
        [2, 2],
        [4, 1],
        [2, 2],
        [0, 4],
        [0, 8],
      ] as const)
        expect(await get(first, count)).toEqual(treeSum({ first, count }));
      expect(computed.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(counts.made - counts.free()).toBe(1);
    }));

  test('are no help for a part of them', async () => {
    const { computed, get } = heldSums();
    await get(0, 4);
    expect(await get(0, 2)).toEqual(treeSum({ first: 0, count: 2 }));
    expect(computed).toEqual([0, 1, 2, 3, 0, 1]);
  });

  test('survive when what was being computed is abandoned', () =>
    expectNoLeak(async () => {
      const { computed, get, abandonAt } = heldSums();
      abandonAt(3);
      await expect(get(0, 4)).rejects.toBeInstanceOf(Abandoned);
      expect(computed).toEqual([0, 1, 2]);
      expect(await get(0, 2)).toEqual(treeSum({ first: 0, count: 2 }));
      expect(await get(2, 1)).toEqual(leaf(2));
      expect(computed).toEqual([0, 1, 2]);
      abandonAt(Infinity);
      expect(await get(0, 4)).toEqual(treeSum({ first: 0, count: 4 }));
      expect(computed).toEqual([0, 1, 2, 3]);
    }));

  test('are told with losses and captions per microbatch, and their time once', async () => {
    const { sums, get } = heldSums();
    await get(4, 4);
    const report = sums.report({ first: 4, count: 4 });
    expect(report).toMatchObject({
      lossSums: [2, 2.5, 3],
      captionTokens: [5, 6, 7],
      captions: 6,
      samples: [8, 9, 10, 11, 12, 13],
      inputSeconds: 0.75,
      notFinite: false,
    });
    expect(report.computeSeconds).toBeGreaterThan(0);
    const again = sums.report({ first: 4, count: 4 });
    expect(again).toEqual({ ...report, computeSeconds: 0, inputSeconds: 0 });
  });

  test('go with their step, and with its cut', async () => {
    const { sums, computed, get } = heldSums();
    await get(0, 1);
    sums.begin(3, 8, LEAVES);
    await get(0, 1);
    expect(computed).toEqual([0]);
    for (const [step, cut] of [
      [3, 16],
      [4, 16],
    ] as const) {
      sums.begin(step, cut, LEAVES);
      await get(0, 1);
    }
    expect(computed).toEqual([0, 0, 0]);
  });

  test('that are not finite are told so', async () => {
    const { sums } = heldSums();
    const compute = (value: number) => async () => ({
      gradients: [tf.fill([LENGTH], value)],
      sums: {
        lossSum: 1,
        captionTokens: 1,
        captions: 1,
        samples: new Uint32Array(),
        seconds: 1,
        inputSeconds: 0,
      },
    });
    expect((await sums.get({ first: 0, count: 1 }, { gradient: compute(NaN) })).finite).toBe(false);
    expect((await sums.get({ first: 1, count: 1 }, { gradient: compute(1) })).finite).toBe(true);
    expect((await sums.get({ first: 0, count: 2 }, { gradient: compute(1) })).finite).toBe(false);
    expect(sums.report({ first: 0, count: 2 }).notFinite).toBe(true);
  });
});
