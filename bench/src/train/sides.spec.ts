import { expect, test } from 'vitest';
import type { OwnKind } from './own-step.js';
import { groupsOf, mainOf, nameOf } from './sides.js';

const kinds: OwnKind[] = (['float32', 'bfloat16'] as const).flatMap((precision) => [
  { precision, sharedPrefix: false },
  { precision, sharedPrefix: true },
]);

test('sides run in a group for each precision where they fit, each beside the reference', () => {
  const groups = groupsOf('mlp', 64e9, kinds).map((group) => group.map(nameOf));
  expect(groups).toEqual([
    [
      'reference, float32',
      'PyTorch tuned, float32',
      'captrain, float32, prefixes not shared',
      'captrain, float32',
    ],
    [
      'reference, float32',
      'PyTorch tuned, bfloat16',
      'captrain, bfloat16, prefixes not shared',
      'captrain, bfloat16',
    ],
  ]);
});

test('with little memory the kinds without shared prefixes run later, beside the reference again', () => {
  const groups = groupsOf('mlp', 20e9, kinds).map((group) => group.map(nameOf));
  expect(groups).toHaveLength(4);
  expect(groups[0]).toEqual(['reference, float32', 'PyTorch tuned, float32', 'captrain, float32']);
  expect(groups[1]).toEqual(['reference, float32', 'captrain, float32, prefixes not shared']);
});

test('too little memory is said with what is needed', () => {
  expect(() => groupsOf('mlp', 6e9, kinds)).toThrow(/6\.00 GB of memory are free/);
});

test('what counts is the kind with shared prefixes, where there is one', () => {
  expect(mainOf(kinds)).toBe(kinds[1]);
  expect(mainOf(kinds.slice(0, 1))).toBe(kinds[0]);
  expect(mainOf([])).toBeUndefined();
});
