import { describe, expect, it } from 'vitest';
import { Pace } from './pace.js';

const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

function paceOf(seconds: readonly [object, number][], steps = 5): Pace<object> {
  const pace = new Pace<object>(4);
  for (let step = 0; step < steps; step++)
    for (const [worker, each] of seconds) pace.add(worker, each * 2, 2);
  return pace;
}

describe('the pace of workers', () => {
  it('relieves a worker that is many times slower than the others, and tries it again later, each time later', () => {
    const pace = paceOf([
      [a, 0.1],
      [b, 0.11],
      [c, 1],
    ]);
    expect(pace.divide([a, b, c], 10)).toEqual({ working: [a, b], relieved: [c] });
    expect(pace.divide([a, b, c], 41).relieved).toEqual([c]);
    expect(pace.divide([a, b, c], 42).relieved).toEqual([]);
    for (let step = 42; step < 46; step++) pace.add(c, 1, 1);
    expect(pace.divide([a, b, c], 46).relieved).toEqual([c]);
    expect(pace.divide([a, b, c], 109).relieved).toEqual([c]);
    expect(pace.divide([a, b, c], 110).relieved).toEqual([]);
  });

  it('finds the slow one of two', () => {
    expect(
      paceOf([
        [a, 1],
        [b, 0.1],
      ]).divide([a, b], 1),
    ).toEqual({ working: [b], relieved: [a] });
  });

  it('lets everyone work who is not much slower, or whose slowness is noise or too new to tell', () => {
    expect(
      paceOf([
        [a, 0.1],
        [b, 0.39],
      ]).divide([a, b], 1).relieved,
    ).toEqual([]);
    expect(
      paceOf([
        [a, 0.001],
        [b, 0.02],
      ]).divide([a, b], 1).relieved,
    ).toEqual([]);
    expect(
      paceOf(
        [
          [a, 0.1],
          [b, 1],
        ],
        3,
      ).divide([a, b], 1).relieved,
    ).toEqual([]);
  });

  it('leaves nobody without work where all that remain were relieved', () => {
    const pace = paceOf([
      [a, 0.1],
      [b, 1],
    ]);
    expect(pace.divide([a, b], 1).working).toEqual([a]);
    expect(pace.divide([b], 2)).toEqual({ working: [b], relieved: [] });
  });
});
