import { expect, test } from 'vitest';
import { liveNodes } from './live-nodes.js';
import type { RecordedOp } from './recording.js';

const op = (name: string, inputs: RecordedOp['inputs'], isStateful = false): RecordedOp => ({
  name,
  op: name,
  inputs,
  attributes: {},
  isStateful,
});

test('what neither an output nor an effect needs is left out', () => {
  const constants = [
    { name: 'dims', op: 'Const', inputs: [] },
    { name: 'one', op: 'Const', inputs: [] },
    { name: 'filled', op: 'Fill', inputs: ['dims', 'one'] },
    { name: 'idle', op: 'Const', inputs: [] },
  ];
  const ops = [
    op('used', [0, 'filled']),
    op('unused', [0]),
    op('for_effect', [1]),
    op('effect', ['for_effect:0'], true),
    op('last', [['used:0', 1]]),
  ];
  const { nodes, effects } = liveNodes(constants, ops, ['last:0', 1]);
  const names = nodes.map(({ name }) => name);
  expect(names).toEqual(['dims', 'one', 'filled', 'used', 'for_effect', 'effect', 'last']);
  expect(effects).toEqual(['effect']);
});

test('ops run one after another, as they were recorded', () => {
  const ops = [op('first', [0]), op('idle', [0]), op('effect', [0], true), op('last', [1])];
  const { nodes } = liveNodes([{ name: 'one', op: 'Const', inputs: [] }], ops, ['first:0', 'last:0']);
  expect(nodes.map(({ name, control }) => [name, control])).toEqual([
    ['first', undefined],
    ['effect', ['first']],
    ['last', ['effect']],
  ]);
});
