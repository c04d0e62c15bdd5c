import type { Hello } from '@captrain/protos';
import { createLogger } from '@captrain/runtime';
import { describe, expect, it } from 'vitest';
import { Member } from '../membership/member.js';
import { run, sumsOf, wholeSums } from '../testing/scripted-run.js';
import { shareOut } from './assignment.js';
import { LocalGroups } from './local-groups.js';
import { openExchange } from './open-exchange.js';
import { ReduceAmongWorkers } from './reduce-among-workers.js';
import { ReduceHere } from './reduce-here.js';

const TOTAL = 8192;
const log = createLogger('coordinator', { level: 'silent' });

function membersOn(...hosts: string[]): Member[] {
  return hosts.map((host, worker) => {
    const hello = { name: `w${worker}`, host, process: 100 + worker } as Hello;
    return new Member(worker, hello, `${host}:${worker}`, {} as never);
  });
}

function routesOf(members: Member[], groups = new LocalGroups(true, log), isWatched = false) {
  const attempt = { generation: 1, step: 1, leaves: 7, total: TOTAL, shares: shareOut(7, members) };
  const here = new ReduceHere('float32', () => undefined);
  const reduction = new ReduceAmongWorkers(here);
  const routes = openExchange({ reduction, groups, here }, attempt, { isWatched });
  return members.map((member) => routes.get(member)!);
}

describe('workers of one host', () => {
  it('are one contribution, its subtrees joined, and one reducer', () => {
    const [a, b, c] = routesOf(membersOn('near', 'far', 'near'));
    const ranges = [
      { address: 'near:0', worker: 0, first: 0, end: TOTAL / 2 },
      { address: 'far:1', worker: 1, first: TOTAL / 2, end: TOTAL },
    ];
    expect([a!.reducers, b!.reducers, c!.reducers]).toEqual([ranges, ranges, []]);
    expect(c!.contributions).toEqual([]);
    for (const { contributions } of [a!, b!])
      expect(contributions).toEqual([
        {
          worker: 0,
          subtrees: [
            { first: 0, count: 2 },
            { first: 5, count: 1 },
            { first: 6, count: 1 },
          ],
        },
        {
          worker: 1,
          subtrees: [
            { first: 2, count: 2 },
            { first: 4, count: 1 },
          ],
        },
      ]);
    expect(b!.neighbours).toEqual([]);
    expect(a!.neighbours.map(({ worker, process, first, end }) => [worker, process, first, end])).toEqual([
      [0, 100, 0, TOTAL],
      [2, 102, 0, 0],
    ]);
    expect(c!.neighbours).toEqual(a!.neighbours);
  });

  it('exchange a range each with one of every other host, as many as the smallest has', () => {
    const members = membersOn('near', 'far', 'near', 'far', 'far');
    const [a, b, c, d, e] = routesOf(members);
    const quarter = TOTAL / 4;
    const reducersOf = (first: number, ...column: number[]) =>
      column.map((worker, i) => ({
        ...{ address: members[worker]!.peerAddress, worker },
        ...{ first: first + i * quarter, end: first + (i + 1) * quarter },
      }));
    for (const each of [a!, b!]) expect(each.reducers).toEqual(reducersOf(0, 0, 1));
    for (const each of [c!, d!]) expect(each.reducers).toEqual(reducersOf(TOTAL / 2, 2, 3));
    expect(e!.reducers).toEqual([]);
    expect(a!.contributions.map(({ worker }) => worker)).toEqual([0, 1]);
    expect(d!.contributions.map(({ worker }) => worker)).toEqual([2, 3]);
    // Either says all that its host has.
    expect(a!.contributions.map(({ subtrees }) => subtrees)).toEqual(
      d!.contributions.map(({ subtrees }) => subtrees),
    );
    expect(b!.neighbours.map(({ worker, first, end }) => [worker, first, end])).toEqual([
      [1, 0, TOTAL / 2],
      [3, TOTAL / 2, TOTAL],
      [4, 0, 0],
    ]);
  });

  it('leave it to their first ones where somebody is not trusted', () => {
    const members = membersOn('near', 'far', 'near', 'far');
    members[1]!.isDistrusted = true;
    const [a, b, c] = routesOf(members);
    expect(b!.reducers).toEqual([{ address: 'near:0', worker: 0, first: 0, end: TOTAL }]);
    expect(a!.reducers).toEqual(b!.reducers);
    expect(c!.reducers).toEqual([]);
  });

  it('send everything to the coordinator alone where it watches', () => {
    const routes = routesOf(membersOn('near', 'far', 'near'), undefined, true);
    for (const { reducers, neighbours } of routes)
      expect([reducers, neighbours]).toEqual([[{ address: '', worker: 0, first: 0, end: TOTAL }], []]);
  });

  it('that are everyone provide a part each, and have no reducer', () => {
    for (const { reducers, neighbours } of routesOf(membersOn('near', 'near'))) {
      expect(reducers).toEqual([]);
      expect(neighbours.map(({ first, end }) => [first, end])).toEqual([
        [0, TOTAL / 2],
        [TOTAL / 2, TOTAL],
      ]);
    }
  });

  it('go alone where that is not wanted, or where they do not say where they are', () => {
    for (const { neighbours } of routesOf(membersOn('near', 'near'), new LocalGroups(false, log)))
      expect(neighbours).toEqual([]);
    for (const { neighbours } of routesOf(membersOn('', ''))) expect(neighbours).toEqual([]);
  });

  it('that cannot read each other’s memory exchange over the network from then on', async () => {
    const host = 'one machine';
    const { workers } = await run([
      { name: 'a', host },
      { name: 'b', host },
    ]);
    for (const worker of workers) {
      expect(worker.neighbourly.map(({ step }) => step)).toEqual([1]);
      expect(sumsOf(worker)).toEqual(wholeSums);
    }
  });
});
