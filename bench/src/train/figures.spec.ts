import { describe, expect, test } from 'vitest';
import { type Counted, comparisons, peakFlops, rateOf, variantFigures } from './figures.js';
import { goalsTable, rounded, sidesTable } from './report.js';
import type { SideFigures } from './run-group.js';
import type { SideKind } from './sides.js';

const counted: Counted = {
  warmUp: 1,
  steps: 3,
  captions: () => 40,
  usefulFlops: (_, sharedPrefix) => (sharedPrefix ? 100 : 200),
};
const reference: SideKind = { who: 'reference', precision: 'float32' };

/** A side whose steps take so long, after a slow first one that does not count. */
function side(kind: SideKind, seconds: number, more: Partial<SideFigures> = {}): SideFigures {
  const steps = [1000, seconds, seconds * 9, seconds];
  return { kind, about: {}, seconds: steps, losses: [4, 3, 2, 1], matmuls: {}, peakBytes: 10, ...more };
}

const groups: SideFigures[][] = [
  [
    side(reference, 8),
    side({ who: 'tuned', precision: 'float32' }, 4, { matmuls: { square: [90, 100, 800] } }),
    side({ who: 'own', precision: 'float32', sharedPrefix: true }, 1, {
      losses: [4, 3, 2, 1.01],
      peakBytes: 4,
      matmuls: { square: [10, 20, 30], wide: [70, 80, 90] },
    }),
  ],
  [
    side(reference, 6, { losses: [4, 3, 2] }),
    side({ who: 'own', precision: 'float32', sharedPrefix: false }, 2),
  ],
];

describe('figures', () => {
  test('a rate is the median of the counted steps', () => {
    expect(rateOf(side(reference, 8), counted)).toBe(5);
  });

  test('the peak is the best median of a shape, whoever reached it', () => {
    expect(peakFlops(groups.flat(), 'float32')).toBe(100);
  });

  test('a side is compared with the reference of its own group', () => {
    const [shared, separate] = comparisons(groups, counted);
    expect(shared).toMatchObject({ rate: 40, reference: 8, tuned: 4, mfu: 1 });
    expect(separate).toMatchObject({ rate: 20, reference: 3, tuned: 2, mfu: 1 });
  });

  test('of a variant are those with shared prefixes, unless the others are asked for', () => {
    const figures = variantFigures(groups, counted, { lossSteps: 4 });
    expect(rounded(figures)).toEqual({
      ...{ reference_f32: 8, tuned_f32: 4, mfu_f32: 1, memory: 0.4, loss_f32: 0.01 },
    });
    const separate = variantFigures(groups, counted, { lossSteps: 4, sharedPrefix: false });
    expect(separate).toMatchObject({ reference_f32: 3, memory: 1, loss_f32: 0 });
  });
});

test('the tables show every side, and every figure beside its goal', () => {
  const figures = variantFigures(groups, counted, { lossSteps: 4 });
  const separate = variantFigures(groups, counted, { lossSteps: 4, sharedPrefix: false });
  const sides = sidesTable(groups, counted, 4).split('\n');
  expect(sides).toHaveLength(1 + 5);
  expect(sides[3]).toMatch(/^captrain, float32 +40\.00 +1\.00 +4 B +1\.0100 +1$/);
  const lines = goalsTable(figures, separate).split('\n');
  expect(lines).toHaveLength(1 + 5);
  expect(lines[1]).toMatch(/^✓ .*≥ 8 +8\.00 +3\.00$/);
  expect(lines.find((line) => line.includes('loss'))).toMatch(/^✗/);
});
