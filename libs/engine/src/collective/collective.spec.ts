import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import type { Task } from '../../fixtures/collective.js';
import { freePort } from './free-port.js';

const fixtures = path.join(import.meta.dirname, '../../fixtures');
const runSource = path.join(import.meta.dirname, '../../../../tools/run-source.mjs');
const running: Member[] = [];
afterEach(() => running.splice(0).forEach((member) => member.process.kill('SIGKILL')));

interface Member {
  process: ChildProcess;
  /** The next line that it prints. */
  says(): Promise<Record<string, unknown>>;
  /** Its exit status, once its input has ended. */
  ends(): Promise<number | null>;
}

type Doing = Pick<Task, 'does' | 'instance'>;

/** Processes of one group, the first `started` of them or all. */
async function startGroup(tasks: readonly Doing[], timeoutSeconds: number, started = tasks.length) {
  const addresses: string[] = [];
  for (let rank = 0; rank < tasks.length; rank++) addresses.push(`127.0.0.1:${await freePort()}`);
  const members = tasks
    .slice(0, started)
    .map((task, rank) => startMember({ ...task, addresses, rank, timeoutSeconds }));
  running.push(...members);
  for (const [rank, member] of members.entries())
    expect(await member.says()).toEqual({ rank, size: tasks.length });
  return members;
}

function startMember(task: Task): Member {
  const args = [runSource, path.join(fixtures, 'collective.ts'), JSON.stringify(task)];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    process: child,
    async says() {
      const { done, value } = await lines.next();
      if (done) throw new Error('the process has ended');
      return JSON.parse(value) as Record<string, unknown>;
    },
    async ends() {
      child.stdin.end();
      return (await closed)[0];
    },
  };
}

const all = <Result>(members: readonly Member[], ask: (member: Member) => Promise<Result>) =>
  Promise.all(members.map(ask));

// Starting a process takes a second, and much longer on a machine that is busy with other things.
describe.each([2, 3])('%i processes', { timeout: 240_000 }, (size) => {
  const tasks = (does: Task['does']): Doing[] => Array.from({ length: size }, () => ({ does }));

  test('get the sum of their arrays, the same bits in each, and of their tensors', async () => {
    const members = await startGroup(tasks('sums'), 60);
    const said = await all(members, (member) => member.says());
    const digests = said.flatMap(({ digests }) => digests as string[]);
    expect(digests).toEqual(digests.map(() => digests[0]));
    // Values lie within ±1, and each addition rounds to 24 bits.
    for (const { worst } of said) expect(worst).toBeLessThan(size * size * 2 ** -24);
    const ranks = [...Array(size).keys()];
    const total = ranks.reduce((sum, rank) => sum + rank, 0);
    for (const { tensors } of await all(members, (member) => member.says()))
      expect(tensors).toEqual([[[size, 2 * size, total]], total, []]);
  });

  test('get the gradient of a batch whose rows they share, by a compiled function', async () => {
    const members = await startGroup(tasks('gradient'), 60);
    for (const { size, differences } of await all(members, (member) => member.says())) {
      expect(size).toBeGreaterThan(0.01);
      for (const difference of differences as number[]) expect(difference).toBeLessThan(1e-6);
    }
    expect(await all(members, (member) => member.ends())).toEqual(members.map(() => 0));
  });

  test('fail at once, with an error of its own, when one of them is killed', async () => {
    const members = await startGroup(tasks('sums until it fails'), 60);
    await all(members, (member) => member.says());
    const killed = members.pop()!;
    killed.process.kill('SIGKILL');
    for (const said of await all(members, (member) => member.says())) {
      expect(said).toMatchObject({
        own: true,
        computed: [
          [3, 3],
          [3, 3],
        ],
      });
      expect(said['message']).toMatch(`A sum among ${size} processes failed: `);
      expect(said['again']).toBe(said['message']);
      expect(said['seconds']).toBeLessThan(30);
    }
    expect(await all(members, (member) => member.ends())).toEqual(members.map(() => 0));
  });
});

describe('two processes', { timeout: 240_000 }, () => {
  const does = 'sums until it fails';
  const tooLate = /the other processes did not take part in time/;

  test('fail within the time when one of them stands still', async () => {
    const [waiting, stopped] = (await startGroup([{ does }, { does }], 5)) as [Member, Member];
    await all([waiting, stopped], (member) => member.says());
    stopped.process.kill('SIGSTOP');
    const said = await waiting.says();
    expect(said).toMatchObject({ own: true, message: expect.stringMatching(tooLate) as string });
    expect(said['seconds']).toBeGreaterThan(4.9);
    expect(said['seconds']).toBeLessThan(15);
    expect(await waiting.ends()).toBe(0);
    stopped.process.kill('SIGCONT');
    expect(await stopped.says()).toMatchObject({ own: true });
  });

  test('fail within the time when one of them never comes', async () => {
    const [alone] = await startGroup([{ does }, { does }], 2, 1);
    expect(await alone!.says()).toMatchObject({
      own: true,
      message: expect.stringMatching(tooLate) as string,
    });
    expect(await alone!.ends()).toBe(0);
  });

  test('fail when they are not at the same sum', async () => {
    const members = await startGroup([{ does }, { does, instance: 50 }], 2);
    for (const said of await all(members, (member) => member.says()))
      expect(said).toMatchObject({ own: true });
  });

  test('take no more threads from sum to sum', async () => {
    const members = await startGroup([{ does: 'many sums' }, { does: 'many sums' }], 60);
    for (const { more } of await all(members, (member) => member.says())) expect(more).toBeLessThan(50);
  });
});

test('one process alone is a group, too', { timeout: 240_000 }, async () => {
  const [alone] = await startGroup([{ does: 'sums' }], 10);
  expect(await alone!.says()).toMatchObject({ worst: 0 });
  expect(await alone!.says()).toMatchObject({ tensors: [[[1, 2, 0]], 0, []] });
});
