import { expect, test } from 'vitest';
import { op } from '../../fixtures/op.js';
import { marksOfNames, stageTimes } from './stages.js';

const stages = ['data', 'forward', 'backward'];

test("an op's stage is told by its name, or by the mark in which it began; the times add up", () => {
  const ops = [
    op('Cast', 10, 20),
    op('forward/Add', 40, 60),
    op('folded/backward/Mul', 70, 80),
    op('Neg', 90, 95),
  ];
  const marks = [
    { stage: 'data', startUs: 0, endUs: 30 },
    { stage: 'elsewhere', startUs: 85, endUs: 90 },
  ];
  const times = stageTimes(ops, marks, { stages, within: { startUs: 0, endUs: 100 } });
  expect(times).toEqual([
    { stage: 'data', opsUs: 10, idleUs: 20 },
    { stage: 'forward', opsUs: 20, idleUs: 0 },
    { stage: 'backward', opsUs: 10, idleUs: 0 },
    { stage: 'other', opsUs: 5, idleUs: 35 },
  ]);
  expect(times.reduce((sum, { opsUs, idleUs }) => sum + opsUs + idleUs, 0)).toBe(100);
});

test('names give marks: runs of ops of one stage, which do not overlap', () => {
  const ops = [
    op('forward/a', 0, 10),
    op('forward/b', 5, 30, 'b'),
    op('c', 12, 14),
    op('backward/d', 20, 25),
    op('forward/e', 40, 50),
  ];
  expect(marksOfNames(ops, stages)).toEqual([
    { stage: 'forward', startUs: 0, endUs: 20 },
    { stage: 'backward', startUs: 20, endUs: 25 },
    { stage: 'forward', startUs: 40, endUs: 50 },
  ]);
});
