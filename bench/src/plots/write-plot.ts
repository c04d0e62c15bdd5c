import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type LineChart, lineChart } from './line-chart.js';

/** Where docs/performance.md has its pictures. */
export const documentationImages = path.resolve(import.meta.dirname, '../../../docs/images');

/** Writes a chart into a folder as NAME.svg. */
export function writePlot(folder: string, name: string, chart: LineChart): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.svg`), lineChart(chart));
}
