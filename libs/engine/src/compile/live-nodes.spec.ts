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

test('an effect stands between the ops before it and those after it that take the same tensors', () => {
  const ops = [
    op('before', [0]),
    op('elsewhere', [1]),
    op('first', [0], true),
    op('after', [0]),
    op('second', [[0, 1]], true),
    op('end', [[0, 'after:0']]),
  ];
  const { nodes } = liveNodes([], ops, ['before:0', 'elsewhere:0', 'end:0']);
  const control = Object.fromEntries(nodes.map(({ name, control: names }) => [name, names]));
  expect(control).toEqual({
    before: undefined,
    elsewhere: undefined,
    first: ['before'],
    after: ['first'],
    second: ['first', 'after', 'elsewhere'],
    end: ['second'],
  });
});
