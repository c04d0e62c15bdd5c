import type { CoordinatorMessage__Output, Subtree } from '@captrain/protos';
import { expect, test } from 'vitest';
import { isOver, stillNeeded } from './still-needed.js';

const said = (message: object) => message as CoordinatorMessage__Output;
const plan = (step: number, microbatches: number, ...subtrees: Subtree[]) =>
  said({ plan: { generation: 9, step, microbatches, subtrees } });

function neededOfFour(...messages: CoordinatorMessage__Output[]): number[] {
  return [0, 1, 2, 3].filter((leaf) => stillNeeded(messages, { step: 5, cut: 8, leaf }));
}

test('what is computed stays needed until something is said against it', () => {
  expect(neededOfFour()).toEqual([0, 1, 2, 3]);
  expect(neededOfFour(said({ writeCheckpoint: {} }), said({ provideState: {} }))).toEqual([0, 1, 2, 3]);
});

test('a newer plan of the step needs what it leases, and what is asked for besides', () => {
  const half = plan(5, 8, { first: 2, count: 2 });
  expect(neededOfFour(half)).toEqual([2, 3]);
  expect(neededOfFour(half, said({ compute: { subtrees: [{ first: 0, count: 1 }] } }))).toEqual([0, 2, 3]);
  expect(neededOfFour(half, plan(5, 8))).toEqual([]);
});

test('another step, another cut, another state, the end and a coordinator that is back need none of it', () => {
  const all = { first: 0, count: 8 };
  expect(neededOfFour(plan(6, 8, all))).toEqual([]);
  expect(neededOfFour(plan(5, 16, all))).toEqual([]);
  expect(neededOfFour(said({ fetch: {} }))).toEqual([]);
  expect(neededOfFour(said({ stop: {} }))).toEqual([]);
  expect(neededOfFour(said({ welcome: {} }), plan(5, 8, all))).toEqual([]);
});

test('what was asked for between two steps is over with the next plan, another state, the end or a return', () => {
  expect(isOver([])).toBe(false);
  expect(isOver([said({ validate: {} }), said({ writeCheckpoint: {} })])).toBe(false);
  for (const kind of ['plan', 'fetch', 'stop', 'welcome'])
    expect(isOver([said({ validate: {} }), said({ [kind]: {} })])).toBe(true);
});
