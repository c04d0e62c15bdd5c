import { expect, test } from 'vitest';
import { lossChart } from './loss-chart.js';
import type { SideFigures } from './run-group.js';
import type { SideKind } from './sides.js';

const side = (kind: SideKind, losses: number[]): SideFigures => ({
  ...{ kind, losses, about: {}, seconds: [], matmuls: {}, peakBytes: 0 },
});

test("the curves are the reference's, once and as long as it ran, and captrain's with shared prefixes", () => {
  const reference: SideKind = { who: 'reference', precision: 'float32' };
  const { lines, xTicks } = lossChart('MLP', [
    side(reference, [5, 4, 3, 2, 1, 0.5]),
    side({ who: 'tuned', precision: 'float32' }, [9, 9]),
    side({ who: 'own', precision: 'float32', sharedPrefix: true }, [5, 4, 3]),
    side({ who: 'own', precision: 'float32', sharedPrefix: false }, [9, 9, 9]),
    side(reference, [5, 4]),
    side({ who: 'own', precision: 'bfloat16', sharedPrefix: true }, [5, 4, 3.1]),
  ]);
  expect(lines.map(({ title }) => title)).toEqual([
    'reference, float32',
    'captrain, float32',
    'captrain, bfloat16',
  ]);
  expect(lines[0]!.points.at(-1)).toEqual({ x: 5, y: 0.5 });
  expect(xTicks.map(({ x }) => x)).toEqual([0, 5]);
});
