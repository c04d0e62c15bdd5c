import { expect, test } from 'vitest';
import { lineChart } from './line-chart.js';

const chart = {
  title: 'speed & size',
  xLabel: 'batch',
  yLabel: 'captions/s',
  xTicks: [{ x: 5 }, { x: 40 }, { x: 80, label: 'eighty' }],
  lines: [
    { title: 'a <b>', points: [5, 10, 20, 40, 80].map((x, index) => ({ x, y: index })) },
    { title: 'falling', points: [{ x: 5, y: 3 }] },
  ],
};

const places = (svg: string) =>
  [.../<polyline class="line c0" points="([^"]*)"/.exec(svg)![1]!.matchAll(/([\d.]+),([\d.]+)/g)].map(
    ([, x, y]) => ({ x: Number(x), y: Number(y) }),
  );

test('powers lie equally far apart on a logarithmic axis, and values on the other one', () => {
  const found = places(lineChart({ ...chart, xLogarithmic: true }));
  const steps = found.slice(1).map(({ x, y }, index) => [x - found[index]!.x, y - found[index]!.y]);
  for (const [dx, dy] of steps) {
    expect(Math.abs(dx! - steps[0]![0]!)).toBeLessThan(0.2);
    expect(Math.abs(dy! - steps[0]![1]!)).toBeLessThan(0.2);
  }
  expect(steps[0]![1]).toBeLessThan(0);
});

test('words are shown as they are, and ticks by their label', () => {
  const svg = lineChart(chart);
  expect(svg).toContain('speed &amp; size');
  expect(svg).toContain('a &lt;b>');
  expect(svg).toContain('>eighty<');
  expect(svg).toContain('>40<');
});

test('the axis of values begins at 0, or below the least where that is asked for', () => {
  const lines = [
    {
      title: 'loss',
      points: [
        { x: 1, y: 10.9 },
        { x: 2, y: 8.3 },
      ],
    },
  ];
  const labels = (svg: string) => [...svg.matchAll(/text-anchor="end">([^<]*)</g)].map(([, label]) => label);
  expect(labels(lineChart({ ...chart, lines }))).toEqual(['0', '5', '10', '15']);
  expect(labels(lineChart({ ...chart, lines, yFromLeast: true }))).toEqual(['8', '9', '10', '11']);
});
