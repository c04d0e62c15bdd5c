import type { LineChart } from '../plots/line-chart.js';
import type { SideFigures } from './run-group.js';
import { nameOf } from './sides.js';

const TICK = 5;

/** The loss by steps, before each: the reference's where it ran, and captrain's with shared prefixes in every precision. */
export function lossChart(title: string, sides: readonly SideFigures[]): LineChart {
  const shown = sides.filter(({ kind }) =>
    kind.who === 'own' ? kind.sharedPrefix : kind.who === 'reference',
  );
  const steps = Math.max(...shown.map(({ losses }) => losses.length));
  // Of a reference that ran in several groups the longest.
  const longest = new Map<string, readonly number[]>();
  for (const { kind, losses } of shown)
    if (losses.length > (longest.get(nameOf(kind))?.length ?? 0)) longest.set(nameOf(kind), losses);
  return {
    ...{ title: `${title}: loss of each step`, xLabel: 'step' },
    ...{ yLabel: 'nats a caption token', yFromLeast: true, dots: false },
    xTicks: Array.from({ length: Math.floor(steps / TICK) + 1 }, (_, tick) => ({ x: tick * TICK })),
    lines: [...longest].map(([name, losses]) => ({
      title: name,
      points: losses.map((y, x) => ({ x, y })),
    })),
  };
}
