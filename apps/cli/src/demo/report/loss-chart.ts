import type { LossPoint } from './report-data.js';

export interface Curve {
  title: string;
  /** Class of its line in the page's style. */
  line: string;
  points: readonly LossPoint[];
}

const width = 720;
const height = 320;
const margin = { left: 48, right: 16, top: 16, bottom: 44 };

/** Training losses over the steps as SVG: each step faint, their running mean bold; axes, ticks, legend. */
export function lossChart(curves: readonly Curve[]): string {
  const all = curves.flatMap(({ points }) => points);
  const lastStep = Math.max(1, ...all.map(({ step }) => step));
  const highest = Math.max(0.1, ...all.map(({ loss }) => loss).filter(Number.isFinite));
  const [stepTick, lossTick] = [tickSize(lastStep), tickSize(highest)];
  const top = Math.ceil(highest / lossTick) * lossTick;
  const x = (step: number) => margin.left + (step / lastStep) * (width - margin.left - margin.right);
  const y = (loss: number) => height - margin.bottom - (loss / top) * (height - margin.top - margin.bottom);
  const line = (points: readonly LossPoint[]) =>
    points.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');

  const grid = ticks(top, lossTick).map(
    (loss) =>
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(loss)}" y2="${y(loss)}"/>` +
      `<text x="${margin.left - 8}" y="${y(loss) + 4}" text-anchor="end">${label(loss)}</text>`,
  );
  const steps = ticks(lastStep, stepTick).map(
    (step) =>
      `<text x="${x(step)}" y="${height - margin.bottom + 18}" text-anchor="middle">${label(step)}</text>`,
  );
  const drawn = curves.map(
    ({ line: style, points }) =>
      `<polyline class="${style} faint" points="${line(points)}"/>` +
      `<polyline class="${style}" points="${line(runningMean(points))}"/>`,
  );
  const legend = curves.map(({ title, line: style }, index) => {
    const at = margin.top + 14 + index * 22;
    return (
      `<line class="${style}" x1="${width - 286}" x2="${width - 258}" y1="${at - 4}" y2="${at - 4}"/>` +
      `<text x="${width - 250}" y="${at}">${title}</text>`
    );
  });
  return `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="Training loss of both variants over the steps">
${grid.join('')}${steps.join('')}
<text x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">step</text>
<text transform="rotate(-90)" x="${-(height - margin.bottom + margin.top) / 2}" y="13" text-anchor="middle">loss, nats per token</text>
${drawn.join('')}${legend.join('')}</svg>`;
}

/** Mean of each step and those up to ten before it. */
export function runningMean(points: readonly LossPoint[]): LossPoint[] {
  return points.map(({ step }, index) => {
    const window = points.slice(Math.max(0, index - 10), index + 1);
    return { step, loss: window.reduce((sum, { loss }) => sum + loss, 0) / window.length };
  });
}

/** A round distance that puts about five ticks on an axis from 0. */
export function tickSize(last: number): number {
  const rough = last / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
}

function ticks(last: number, size: number): number[] {
  return Array.from({ length: Math.floor(last / size + 1e-9) + 1 }, (_, index) => index * size);
}

function label(value: number): string {
  return String(Number(value.toPrecision(6)));
}
