import { expect, test } from 'vitest';
import { op } from '../../fixtures/op.js';
import { exclusiveTimes, idleStretches } from './exclusive-times.js';

test('ops that run at once share the time, and their parts add up to the time that passed', () => {
  const ops = [op('A', 0, 100), op('B', 50, 150, 'b'), op('C', 200, 210)];
  expect([...exclusiveTimes(ops)]).toEqual([75, 75, 10]);
  expect(idleStretches(ops, { startUs: -5, endUs: 300 })).toEqual([
    { startUs: -5, endUs: 0 },
    { startUs: 150, endUs: 200 },
    { startUs: 210, endUs: 300 },
  ]);
});

test('a function that XLA compiled counts only where none of its computations runs, on any thread', () => {
  const module = 'f__XlaMustCompile_true_.3';
  const ops = [
    op('f', 0, 100),
    { ...op('fusion', 10, 50, 'b'), module },
    { ...op('dot', 30, 60, 'c'), module },
  ];
  expect([...exclusiveTimes(ops)]).toEqual([50, 30, 20]);
});

test('an op that calls others counts only where none of them runs', () => {
  const ops = [op('call', 0, 100), op('inner', 10, 40), op('innermost', 20, 30), op('next', 40, 60)];
  expect([...exclusiveTimes(ops)]).toEqual([50, 20, 10, 20]);
});
