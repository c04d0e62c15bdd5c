import { credentials, status } from '@grpc/grpc-js';
import { type Subtree, joinSiblings } from '@captrain/exchange';
import { type Exchanged, type OfferedSums, PeerClient, type Plan } from '@captrain/protos';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LEAVES, SHARES, TOTAL, sumsOf, wholeSum } from '../testing/leaf-vectors.js';
import { LinkedWorker } from '../testing/linked-worker.js';
import { ScriptedCoordinator } from '../testing/scripted-coordinator.js';

let coordinator: ScriptedCoordinator;
let workers: LinkedWorker[];
beforeEach(async () => {
  coordinator = await ScriptedCoordinator.listen();
  workers = [];
  for (const worker of [0, 1, 2]) workers.push(await LinkedWorker.join(coordinator, worker, TOTAL));
});
afterEach(() => {
  for (const worker of workers) worker.close();
  coordinator.close();
});

const zeros = (subtrees: readonly Subtree[]) =>
  subtrees.map((subtree) => ({ subtree, values: new Float32Array(TOTAL) }));

/** A plan in which these workers are all that there are. */
function planAmong(members: LinkedWorker[], shares: Subtree[][], ids: { generation: number; step: number }) {
  const bound = (i: number) => (i === members.length ? TOTAL : i * 350_000);
  const neighbours = members.map((member, i) =>
    member.asNeighbour(shares[i]!, { first: bound(i), end: bound(i + 1) }),
  );
  return { ...ids, leaves: LEAVES, neighbours };
}

async function expectSumAt(
  members: readonly LinkedWorker[],
  { generation, step }: Pick<Plan, 'generation' | 'step'>,
) {
  const said: Exchanged[] = [];
  const expected = Buffer.from(wholeSum(step).buffer);
  for (const { joined, values } of members) {
    said.push(await joined.next('exchanged'));
    expect(said.at(-1)).toMatchObject({ generation, step, finite: true });
    expect(expected.equals(Buffer.from(values.buffer))).toBe(true);
  }
  return said;
}

describe('workers of one host', () => {
  test('that are everyone add up what they have without a network, step by step', async () => {
    for (const step of [1, 2]) {
      const plan = planAmong(workers, SHARES, { generation: step, step });
      for (const [i, worker] of workers.entries()) {
        worker.plan(plan);
        await worker.give(plan, sumsOf(step, SHARES[i]!));
      }
      await expectSumAt(workers, plan);
    }
  });

  test('speak to the reducer with one voice', async () => {
    const [leader, other, far] = workers as [LinkedWorker, LinkedWorker, LinkedWorker];
    const ids = { generation: 3, step: 1, leaves: LEAVES };
    const theirs = [{ first: 4, count: 1 }];
    const near = [[...SHARES[0]!, { first: 5, count: 1 }], [{ first: 0, count: 2 }]];
    const joined = joinSiblings(near.flat(), LEAVES);
    expect(joined[0]).toEqual({ first: 0, count: 4 });
    const contributions = new Map([
      [leader.worker, joined],
      [far.worker, theirs],
    ]);
    const whole = { first: 0, end: TOTAL };
    void coordinator.reducer.open({ ...ids, ...whole, total: TOTAL, format: 'float32', contributions });
    const reducers = [{ address: '', worker: 0, ...whole }];
    const neighbours = [
      leader.asNeighbour(near[0]!, whole),
      other.asNeighbour(near[1]!, { first: 0, end: 0 }),
    ];
    const said = [...contributions].map(([worker, subtrees]) => ({ worker, subtrees: [...subtrees] }));
    leader.plan({ ...ids, reducers, contributions: said, neighbours });
    other.plan({ ...ids, contributions: said, neighbours });
    far.plan({ ...ids, reducers, contributions: said });
    await far.give(ids, sumsOf(1, theirs));
    await leader.give(ids, sumsOf(1, near[0]!));
    await other.give(ids, sumsOf(1, near[1]!));
    await expectSumAt(workers, ids);
    expect(coordinator.refusals).toEqual([]);
  });

  test('exchange a range each with those of another host, where they add up themselves', async () => {
    workers.push(await LinkedWorker.join(coordinator, 3, TOTAL));
    const subtree = (first: number, count: number) => [{ first, count }];
    const shares = [SHARES[0]!, subtree(0, 2), subtree(4, 1), subtree(5, 1)];
    const hosts = [workers.slice(0, 2), workers.slice(2)];
    const sharesOf = (host: number) => shares.slice(2 * host, 2 * host + 2);
    const ranges = [
      { first: 0, end: 600_000 },
      { first: 600_000, end: TOTAL },
    ];
    for (const step of [1, 2]) {
      const ids = { generation: step, step, leaves: LEAVES };
      for (const [host, members] of hosts.entries()) {
        const neighbours = members.map((member, i) => member.asNeighbour(sharesOf(host)[i]!, ranges[i]!));
        for (const [i, member] of members.entries()) {
          const { first, end } = ranges[i]!;
          const bounds = [first, first + 300_000, end];
          const reducers = hosts.map((each, at) => {
            const { address, worker } = each[i]!;
            return { address, worker, first: bounds[at]!, end: bounds[at + 1]! };
          });
          const contributions = hosts.map((each, at) => ({
            worker: each[i]!.worker,
            subtrees: joinSiblings(sharesOf(at).flat(), LEAVES),
          }));
          member.plan({ ...ids, neighbours, reducers, contributions });
        }
      }
      for (const [i, worker] of workers.entries()) await worker.give(ids, sumsOf(step, shares[i]!));
      const said = await expectSumAt(workers, ids);
      for (const [i, { sumChecksums, bytesSent, bytesReceived }] of said.entries()) {
        expect(sumChecksums).toHaveLength(2);
        // Two sums of half a range go out at most, and the global one of that half comes in.
        const { first, end } = ranges[i % 2]!;
        expect(bytesSent + bytesReceived).toBeLessThan(1.6 * (end - first) * 4);
      }
    }
  });

  test('go on without one that does not come, by a new plan', async () => {
    const plan = planAmong(workers, SHARES, { generation: 4, step: 1 });
    for (const worker of workers) worker.plan(plan);
    const stayed = workers.slice(0, 2);
    for (const [i, worker] of stayed.entries()) await worker.give(plan, sumsOf(1, SHARES[i]!));
    const next = planAmong(stayed, SHARES, { generation: 5, step: 1 });
    for (const worker of stayed) worker.plan(next);
    for (const [i, worker] of stayed.entries()) await worker.give(next, sumsOf(1, SHARES[i]!));
    // It comes after all, and is of no use any more.
    await workers[2]!.give(plan, []);
    await expectSumAt(stayed, next);
    expect(workers[2]!.joined.count('exchangeFailed')).toBe(0);
  });
});

describe('a neighbour', () => {
  test('of another plan is refused', async () => {
    const plan = planAmong(workers, SHARES, { generation: 6, step: 1 });
    workers[0]!.plan(plan);
    await workers[0]!.give(plan, zeros(SHARES[0]!));
    const client = new PeerClient(workers[0]!.address, credentials.createInsecure());
    const offer = (offer: Partial<OfferedSums>) =>
      new Promise((resolve) => client.offer({ worker: 2, step: 1, generation: 6, ...offer }, resolve));
    expect(await offer({ generation: 5 })).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'it is of step 1 in generation 5, while this worker is at step 1 of generation 6',
    });
    const sums = [{ subtree: { first: 0, count: 2 }, values: { descriptor: 1, stamp: 1 } }];
    expect(await offer({ sums })).toMatchObject({ details: expect.stringContaining('not due') as string });
    expect(await offer({})).toBe(null);
    client.close();
  });

  test('whose memory cannot be read, or that is not there, is named to the coordinator', async () => {
    const [first, second] = workers as [LinkedWorker, LinkedWorker];
    const plan = planAmong(workers.slice(0, 2), SHARES, { generation: 7, step: 1 });
    const [own, other] = plan.neighbours;
    const give = async (ids: { generation: number; step: number }) => {
      await first.give(ids, zeros(SHARES[0]!));
      await second.give(ids, zeros(SHARES[1]!));
    };
    first.plan({ ...plan, neighbours: [own!, { ...other!, process: 2 ** 22 + 1 }] });
    second.plan(plan);
    await give(plan);
    expect(await first.joined.next('exchangeFailed')).toMatchObject({
      ...{ generation: 7, step: 1, neighbour: { worker: 1, unreadable: true } },
      reason: expect.stringContaining('no shared memory') as string,
    });
    const next = { ...plan, generation: 8 };
    first.plan({ ...next, neighbours: [own!, { ...other!, address: '127.0.0.1:1' }] });
    second.plan(next);
    await give(next);
    expect(await first.joined.next('exchangeFailed')).toMatchObject({
      ...{ generation: 8, neighbour: { worker: 1, unreadable: false } },
    });
  });

  test('with a sum that is not finite is named, and a sum that is too large told of', async () => {
    const shares = [
      [{ first: 0, count: 4 }],
      [
        { first: 4, count: 2 },
        { first: 6, count: 1 },
      ],
    ];
    const members = workers.slice(0, 2);
    const exchange = async (generation: number, spoil: (values: Float32Array) => void) => {
      const plan = planAmong(members, shares, { generation, step: 1 });
      for (const [i, worker] of members.entries()) {
        worker.plan(plan);
        const sums = zeros(shares[i]!);
        if (i === 1) spoil(sums[1]!.values);
        sums.forEach(({ values }) => (values[5] = 3e38));
        await worker.give(plan, sums);
      }
    };
    await exchange(9, () => {});
    expect(await members[0]!.joined.next('exchanged')).toMatchObject({ generation: 9, finite: false });
    await exchange(10, (values) => (values[900_000] = Number.NaN));
    const refused = { generation: 10, worker: 1, kind: 'nonFinite' };
    expect(await members[1]!.joined.next('partRefused')).toMatchObject(refused);
  });
});
