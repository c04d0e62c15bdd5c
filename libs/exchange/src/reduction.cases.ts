import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { CHUNK_VALUES } from '@captrain/protos';
import type { ReductionSeen } from './part-in-reduction.js';
import type { Reduction } from './reduction.js';
import { type Subtree, alignedSubtrees, shareMicrobatches } from './subtree.js';
import { leaf, plainSum } from './testing/gradients.js';

/** A reduction of the whole gradient, whoever reduces which part of it. */
export type Plan = Omit<Reduction, 'first' | 'end'>;

export interface ExchangePart {
  worker: number;
  plan: Plan;
  leaves: readonly Float32Array[];
  signal: AbortSignal;
  onChunkSent?: () => void;
}

/** Several participants, each with a place for the result. */
export interface Crew {
  /**
   * One participant's part in a plan that is open, and the checksums of what it received, by the reducers. It vanishes when
   * the signal is aborted.
   */
  exchange(part: ExchangePart): Promise<{ result: Float32Array; checksums: number[] } & ReductionSeen>;
  /** Opens the plan in every reducer that is not among the participants. */
  open(plan: Plan): void;
  close(): void;
}

/** More than two chunks of float32, and no whole number of them. */
const TOTAL = 2 * CHUNK_VALUES + 12_345;

function planOf(shares: Subtree[][], leaves: number, others: Partial<Plan> = {}): Plan {
  const contributions = new Map(shares.map((subtrees, worker) => [worker, subtrees]));
  return { generation: 7, step: 3, leaves, total: TOTAL, format: 'float32', contributions, ...others };
}

/** What every way to reduce has to do. */
export function reductionCases(start: (participants: number) => Promise<Crew>): void {
  let crew: Crew | undefined;
  afterEach(() => {
    crew?.close();
    crew = undefined;
  });
  const { signal } = new AbortController();

  const bitsOf = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const exchangeAll = (all: Crew, plan: Plan, leaves: readonly Float32Array[]) => {
    all.open(plan);
    const workers = [...plan.contributions.keys()];
    return Promise.all(workers.map((worker) => all.exchange({ worker, plan, leaves, signal })));
  };
  const expectTheSum = async (all: Crew, plan: Plan, leaves: readonly Float32Array[]) => {
    const outcomes = await exchangeAll(all, plan, leaves);
    const expected = plainSum(leaves, [...plan.contributions.values()].flat(), plan.format);
    for (const { result, finite, checksums } of outcomes) {
      expect(checksums).toEqual(outcomes[0]!.checksums);
      expect(bitsOf(result).equals(bitsOf(expected))).toBe(true);
      expect(finite).toBe(true);
    }
  };

  it('lets nobody wait for ever where many workers send many parts, and some are late', async () => {
    crew = await start(12);
    const total = 6 * (CHUNK_VALUES / 4) + 5;
    const leaves = Array.from({ length: 16 }, (_, index) => leaf(index, total));
    const numbers = [[0, 1, 2, 3, 4], [5, 6], [7, 8], [9], [10], [11], [12], [13], [14], [15], [], []];
    const parts = numbers.map((firsts) => firsts.map((first) => ({ first, count: 1 })));
    const plan = planOf(parts, 16, { total });
    crew.open(plan);
    const outcomes = await Promise.all(
      parts.map(async (_, worker) => {
        if (worker % 5 === 0) await sleep(300);
        return crew!.exchange({ worker, plan, leaves, signal });
      }),
    );
    const expected = plainSum(leaves, parts.flat(), plan.format);
    for (const { result } of outcomes) expect(bitsOf(result).equals(bitsOf(expected))).toBe(true);
  });

  it.each([
    [1, 1],
    [1, 5],
    [2, 2],
    [2, 5],
    [3, 7],
    [5, 8],
    [5, 3],
  ])(
    'gives %i participants the tree sum of %i microbatches, bit for bit',
    async (participants, microbatches) => {
      crew = await start(participants);
      const leaves = Array.from({ length: microbatches }, (_, i) => leaf(i, TOTAL));
      const shares = shareMicrobatches(microbatches, participants);
      await expectTheSum(crew, planOf(shares, microbatches), leaves);
      await expectTheSum(crew, planOf(shares, microbatches, { step: 4, format: 'bfloat16' }), leaves);
    },
  );

  it('takes subtrees that are not next to each other, and participants without any', async () => {
    crew = await start(3);
    const leaves = Array.from({ length: 6 }, (_, i) => leaf(i, TOTAL));
    const shares = [[...alignedSubtrees(5, 6), ...alignedSubtrees(0, 2)], [], alignedSubtrees(2, 5)];
    await expectTheSum(crew, planOf(shares, 6), leaves);
  });

  it('counts the bytes that travel', async () => {
    crew = await start(2);
    const leaves = [leaf(0, TOTAL), leaf(1, TOTAL)];
    const plan = planOf(shareMicrobatches(2, 2), 2);
    const exact = await exchangeAll(crew, plan, leaves);
    const half = await exchangeAll(crew, { ...plan, step: 4, format: 'bfloat16' }, leaves);
    for (const worker of [0, 1]) {
      expect(exact[worker]!.bytesSent).toBe(2 * half[worker]!.bytesSent);
      expect(exact[worker]!.bytesReceived).toBe(2 * half[worker]!.bytesReceived);
    }
  });

  it('tells everyone that the sum of finite parts is not finite', async () => {
    crew = await start(2);
    const leaves = [leaf(0, TOTAL), leaf(1, TOTAL)];
    for (const values of leaves) values[TOTAL - 1] = 3e38;
    const outcomes = await exchangeAll(crew, planOf(shareMicrobatches(2, 2), 2), leaves);
    for (const { result, finite } of outcomes) {
      expect(finite).toBe(false);
      expect(result[TOTAL - 1]).toBe(Infinity);
    }
  });

  it('waits where a participant has gone, until a new plan goes on without it', async () => {
    crew = await start(3);
    const leaves = Array.from({ length: 4 }, (_, i) => leaf(i, TOTAL));
    const plan = planOf(shareMicrobatches(4, 3), 4);
    crew.open(plan);
    const life = new AbortController();
    const onChunkSent = () => life.abort(new Error('killed'));
    const lost = crew.exchange({ worker: 2, plan, leaves, signal: life.signal, onChunkSent });
    const others = [0, 1].map((worker) => crew!.exchange({ worker, plan, leaves, signal }));
    const told = Promise.allSettled(others);
    await expect(lost).rejects.toThrow('killed');

    const next = planOf(shareMicrobatches(4, 2), 4, { generation: 8 });
    await expectTheSum(crew, next, leaves);
    for (const { status } of await told) expect(status).toBe('rejected');
  });
}
