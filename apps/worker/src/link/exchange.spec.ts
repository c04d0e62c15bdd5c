import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Neighbour, Reducer } from '@captrain/protos';
import { describe, expect, test } from 'vitest';
import { TOTAL, sumsOf } from '../testing/leaf-vectors.js';
import { LinkedWorker } from '../testing/linked-worker.js';
import { ScriptedCoordinator } from '../testing/scripted-coordinator.js';
import { type Attempt, type Way, exchangeCases } from './exchange.cases.js';

const contributionsOf = ({ members, shares }: Attempt) =>
  members.map(({ worker }, i) => ({ worker, subtrees: shares[i]! }));

/** The i-th of so many parts of the values. */
const partOf = (i: number, parts: number) => ({
  first: Math.floor((i * TOTAL) / parts),
  end: Math.floor(((i + 1) * TOTAL) / parts),
});

function send(attempt: Attempt, plan: { reducers?: Reducer[]; neighbours?: Neighbour[] }): void {
  const { generation, step, leaves, members } = attempt;
  const contributions = contributionsOf(attempt);
  for (const member of members) member.plan({ generation, step, leaves, contributions, ...plan });
}

const byCoordinator: Way = {
  isExact: true,
  plan({ reducer }, attempt) {
    const { generation, step, leaves } = attempt;
    const contributions = new Map(
      contributionsOf(attempt).map(({ worker, subtrees }) => [worker, subtrees] as const),
    );
    const whole = { first: 0, end: TOTAL };
    const opened = reducer.open({
      ...{ generation, step, leaves, total: TOTAL, ...whole, format: 'float32', contributions },
    });
    opened.catch(() => undefined);
    send(attempt, { reducers: [{ address: '', worker: 0, ...whole }] });
  },
};

const byWorkers: Way = {
  isExact: true,
  plan(_, attempt) {
    const { members } = attempt;
    const reducers = members.map(({ address, worker }, i) => ({
      ...{ address, worker, ...partOf(i, members.length) },
    }));
    send(attempt, { reducers });
  },
};

const byNeighbours: Way = {
  isExact: true,
  plan(coordinator, attempt) {
    const { members, shares } = attempt;
    if (members.length === 1) return byCoordinator.plan(coordinator, attempt);
    const neighbours = members.map((member, i) => member.asNeighbour(shares[i]!, partOf(i, members.length)));
    send(attempt, { neighbours });
  },
};

/** One group for as long as the members are the same. */
class Collectively implements Way {
  readonly isExact = false;
  private group = 0;
  private members: readonly LinkedWorker[] = [];
  addresses: string[] = [];

  plan(_: unknown, attempt: Attempt): void {
    const { generation, step, leaves, members } = attempt;
    if (members.length !== this.members.length) this.group = generation;
    const contributions = contributionsOf(attempt);
    for (const member of members)
      member.plan({ generation, step, leaves, contributions, collectiveGroup: this.group });
  }

  async computed({ members, generation, step }: Attempt): Promise<void> {
    if (members.length === 1) return;
    if (members.length !== this.members.length) {
      const ports = await Promise.all(members.map(({ joined }) => joined.next('collectivePort')));
      expect(ports.map(({ group }) => group)).toEqual(members.map(() => this.group));
      this.addresses = ports.map(({ port }) => `127.0.0.1:${port}`);
      this.members = members;
    }
    const { addresses } = this;
    for (const [rank, { joined }] of members.entries())
      joined.send({ exchange: { generation, step, addresses, rank } });
  }
}

describe('an exchange through the coordinator', () => exchangeCases(() => byCoordinator));
describe('an exchange in which workers add up', () => exchangeCases(() => byWorkers));
describe('an exchange in shared memory', () => exchangeCases(() => byNeighbours));
describe('a collective exchange', { timeout: 240_000 }, () => {
  exchangeCases(() => new Collectively());

  test('fails where a process ends, and is made by others then', async () => {
    const coordinator = await ScriptedCoordinator.listen();
    const first = await LinkedWorker.join(coordinator, 0, TOTAL);
    const second = await LinkedWorker.join(coordinator, 1, TOTAL);
    try {
      const shares = [0, 4].map((first) => [{ first, count: 4 }]);
      const attempt = { generation: 1, step: 1, leaves: 7, members: [first, second], shares };
      const way = new Collectively();
      const give = async (ids: Attempt) => {
        for (const [i, member] of ids.members.entries()) await member.give(ids, sumsOf(1, shares[i]!));
      };
      way.plan(undefined, attempt);
      await give(attempt);
      await way.computed(attempt);
      for (const { joined } of attempt.members) await joined.next('exchanged');
      const before = processes();
      expect(before).toHaveLength(2);

      // It is gone before the next sum, which nobody has then.
      process.kill(before[0]!, 'SIGKILL');
      await sleep(100);
      const next = { ...attempt, generation: 2, step: 2 };
      way.plan(undefined, next);
      await give(next);
      await way.computed(next);
      const failures = await Promise.all(next.members.map(({ joined }) => joined.next('exchangeFailed')));
      const reasons = failures.map(({ reason }) => reason).toSorted();
      expect(reasons[0]).toMatch(/^A sum among 2 processes failed: /);
      expect(reasons[1]).toBe('the process that sums ended (SIGKILL)');

      const again = { ...attempt, generation: 3, step: 2 };
      const other = new Collectively();
      other.plan(undefined, again);
      await give(again);
      await other.computed(again);
      for (const { joined } of again.members)
        expect(await joined.next('exchanged')).toMatchObject({ generation: 3, step: 2 });
      expect(processes().filter((pid) => before.includes(pid))).toEqual([]);
    } finally {
      for (const worker of [first, second]) worker.close();
      coordinator.close();
    }
    await expect.poll(processes, { timeout: 10_000 }).toEqual([]);
  });
});

/** Of this process's children, those that sum. */
function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isChild = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return isChild === String(process.pid) && command.includes('collective-process');
      } catch {
        return false;
      }
    })
    .map(Number);
}
