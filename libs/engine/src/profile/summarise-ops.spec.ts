import { expect, test } from 'vitest';
import { op } from '../../fixtures/op.js';
import { summariseOps } from './summarise-ops.js';

test('a summary has one row for each type, the longest first', () => {
  const rows = summariseOps([op('x/Add', 0, 1000), op('x/Mul', 2000, 5000), op('y/Add', 6000, 7000)]);
  expect(rows).toEqual([
    { op: 'Mul', count: 1, totalMs: 3, wallMs: 3, share: 0.6, outputBytes: 4 },
    { op: 'Add', count: 2, totalMs: 2, wallMs: 2, share: 0.4, outputBytes: 8 },
  ]);
});
