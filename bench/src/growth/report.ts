import { colors, formatTable } from '@captrain/runtime';
import { writePlot } from '../plots/write-plot.js';
import type { Measured } from './measure.js';
import { type Axis, axes, sizes } from './measurements.js';

interface AxisWords {
  title: string;
  xLabel: string;
  /** What a value of x is called. */
  name: (x: number) => string;
  logarithmic: boolean;
}

const modelTitles = Object.values(sizes).map(({ title }) => title);
const words: Record<Axis, AxisWords> = {
  batch: {
    title: 'Training by batch size',
    xLabel: 'captions of a step (five an image)',
    name: String,
    logarithmic: true,
  },
  length: {
    title: 'Training by caption length, 40 captions a step',
    xLabel: 'tokens of a caption',
    name: String,
    logarithmic: true,
  },
  model: {
    title: 'Training by language model, 40 captions a step',
    xLabel: 'GPT-2, parameters',
    name: (x) => modelTitles[x]!,
    logarithmic: false,
  },
  mapper: {
    title: 'Training by layers of the Transformer mapper, 40 captions a step',
    xLabel: 'layers of the mapper',
    name: String,
    logarithmic: true,
  },
  dropout: {
    title: 'Training with dropout and without, 40 captions a step',
    xLabel: 'dropout',
    name: (x) => ['without', 'with'][x]!,
    logarithmic: false,
  },
};

/** One table for each axis: captions a second, a column for each line. */
export function growthTables(measured: readonly Measured[]): string {
  const tables = axes.map((axis) => {
    const own = pointsOf(measured, axis);
    const lines = linesOf(own);
    const rows = xsOf(own).map((x) => [
      words[axis].name(x),
      ...lines.map(
        (line) => own.find((point) => point.x === x && point.line === line)?.rate.toFixed(2) ?? '',
      ),
    ]);
    const head = [words[axis].xLabel, ...lines].map(colors.bold);
    return formatTable([head, ...rows], `l${'r'.repeat(lines.length)}`);
  });
  return `Captions a second\n\n${tables.join('\n\n')}`;
}

/** By axis and line: captions a second for each x. */
export function growthFigures(measured: readonly Measured[]): Record<Axis, object> {
  const ofAxis = (axis: Axis) => {
    const own = pointsOf(measured, axis);
    return Object.fromEntries(
      linesOf(own).map((line) => [
        line,
        Object.fromEntries(
          own
            .filter((point) => point.line === line)
            .map(({ x, rate }) => [words[axis].name(x), Number(rate.toPrecision(4))]),
        ),
      ]),
    );
  };
  return Object.fromEntries(axes.map((axis) => [axis, ofAxis(axis)])) as Record<Axis, object>;
}

/** Draws each axis but that of two values as growth-AXIS.svg. */
export function drawGrowth(measured: readonly Measured[], folder: string): void {
  for (const axis of axes.filter((each) => each !== 'dropout')) {
    const own = pointsOf(measured, axis);
    const { title, xLabel, name, logarithmic } = words[axis];
    writePlot(folder, `growth-${axis}`, {
      ...{ title, xLabel, yLabel: 'captions/s', xLogarithmic: logarithmic },
      xTicks: xsOf(own).map((x) => ({ x, label: name(x) })),
      lines: linesOf(own).map((line) => ({
        title: line,
        points: own.filter((point) => point.line === line).map(({ x, rate }) => ({ x, y: rate })),
      })),
    });
  }
}

/** The points of one axis, by ascending x. */
function pointsOf(measured: readonly Measured[], axis: Axis): Measured[] {
  return measured.filter((point) => point.axis === axis).sort((a, b) => a.x - b.x);
}

function linesOf(points: readonly Measured[]): string[] {
  return [...new Set(points.map(({ line }) => line))];
}

function xsOf(points: readonly Measured[]): number[] {
  return [...new Set(points.map(({ x }) => x))];
}
