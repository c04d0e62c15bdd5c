import type { Subtree } from '@captrain/protos';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LEAVES, SHARES, TOTAL, sumsOf, wholeSum } from '../testing/leaf-vectors.js';
import { LinkedWorker } from '../testing/linked-worker.js';
import { ScriptedCoordinator } from '../testing/scripted-coordinator.js';

/** One attempt at a step: who contributes what. */
export interface Attempt {
  readonly generation: number;
  readonly step: number;
  readonly leaves: number;
  readonly members: readonly LinkedWorker[];
  /** Each one's, in their order. */
  readonly shares: readonly Subtree[][];
}

/** What a coordinator says to let workers exchange, one class for each way of doing it. */
export interface Way {
  /** Whether the sum has the bits of the tree over the microbatches. */
  readonly isExact: boolean;
  /** Sends everyone its plan. */
  plan(coordinator: ScriptedCoordinator, attempt: Attempt): void;
  /** Everything is computed. */
  computed?(attempt: Attempt): Promise<void>;
}

/** What every way to exchange has to do. */
export function exchangeCases(makeWay: () => Way): void {
  let coordinator: ScriptedCoordinator;
  let workers: LinkedWorker[];
  let way: Way;
  beforeEach(async () => {
    way = makeWay();
    coordinator = await ScriptedCoordinator.listen();
    workers = [];
    for (const worker of [0, 1, 2]) workers.push(await LinkedWorker.join(coordinator, worker, TOTAL));
  });
  afterEach(() => {
    for (const worker of workers) worker.close();
    coordinator.close();
  });

  /** Lets all but the `silent` one give what they have. */
  async function begin(attempt: Attempt, silent?: LinkedWorker, sums = sumsOf): Promise<void> {
    way.plan(coordinator, attempt);
    for (const [i, member] of attempt.members.entries())
      if (member !== silent) await member.give(attempt, sums(attempt.step, attempt.shares[i]!));
    await way.computed?.(attempt);
  }

  async function expectSum({ members, generation, step }: Attempt): Promise<void> {
    const expected = wholeSum(step);
    for (const { joined } of members)
      expect(await joined.next('exchanged')).toMatchObject({ generation, step, finite: true });
    const [first, ...others] = members.map(({ values }) => values);
    for (const values of others) expect(sameBits(values, first!)).toBe(true);
    if (way.isExact) expect(sameBits(first!, expected)).toBe(true);
    else expect(furthest(first!, expected)).toBeLessThan(furthest(expected) * 2 ** -22);
  }

  test('gives all workers the same sum, step by step', async () => {
    for (const step of [1, 2, 3]) {
      const attempt = { generation: step, step, leaves: LEAVES, members: workers, shares: SHARES };
      await begin(attempt);
      await expectSum(attempt);
    }
  });

  test('gives a worker that is alone its own sum', async () => {
    const members = workers.slice(0, 1);
    const shares = [SHARES.flat().toSorted((a, b) => a.first - b.first)];
    const attempt = { generation: 1, step: 1, leaves: LEAVES, members, shares };
    await begin(attempt);
    await members[0]!.joined.next('exchanged');
    expect(sameBits(members[0]!.values, wholeSum(1))).toBe(true);
  });

  test('does without a worker that vanishes in mid-exchange, by a new plan', async () => {
    const [, , lost] = workers as [LinkedWorker, LinkedWorker, LinkedWorker];
    const first = { generation: 1, step: 1, leaves: LEAVES, members: workers, shares: SHARES };
    await begin(first, lost);
    lost.close();
    const next = { ...first, generation: 2, members: workers.slice(0, 2) };
    await begin(next);
    await expectSum(next);
    const after = { ...next, generation: 3, step: 2 };
    await begin(after);
    await expectSum(after);
  });

  test('says where the sum of finite parts is not finite', async () => {
    const shares = [[{ first: 0, count: 4 }], SHARES.flat().filter(({ first }) => first >= 4)];
    const members = workers.slice(0, 2);
    const huge = (_: number, subtrees: readonly Subtree[]) =>
      subtrees.map((subtree) => ({ subtree, values: new Float32Array(TOTAL).fill(3e38) }));
    await begin({ generation: 1, step: 1, leaves: LEAVES, members, shares }, undefined, huge);
    const said = await Promise.race(members.map(({ joined }) => joined.next('exchanged')));
    expect(said).toMatchObject({ step: 1, finite: false });
  });
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  );
}

/** The largest difference of values; of values from 0, where there are no others. */
function furthest(values: Float32Array, others?: Float32Array): number {
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - (others?.[i] ?? 0))), 0);
}
