import { colors, formatBytes, formatTable } from '@captrain/runtime';
import { type Counted, type VariantFigures, rateOf } from './figures.js';
import type { SideFigures } from './run-group.js';
import { nameOf } from './sides.js';

interface Goal {
  what: string;
  limit: number;
  /** Whether more is better. */
  atLeast: boolean;
}

/** What captrain claims of either variant. */
export const goals: Readonly<Record<keyof VariantFigures, Goal>> = {
  reference_f32: { what: 'float32: times the reference’s captions/s', limit: 8, atLeast: true },
  reference_bf16: { what: 'bfloat16: times the reference’s captions/s (float32)', limit: 12, atLeast: true },
  tuned_f32: { what: 'float32: times tuned PyTorch’s captions/s', limit: 4, atLeast: true },
  tuned_bf16: { what: 'bfloat16: times tuned PyTorch’s captions/s', limit: 2.5, atLeast: true },
  mfu_f32: { what: 'float32: useful FLOPs over the matmul peak', limit: 0.75, atLeast: true },
  mfu_bf16: { what: 'bfloat16: useful FLOPs over the matmul peak', limit: 0.6, atLeast: true },
  memory: { what: 'float32: highest resident memory over the reference’s', limit: 0.5, atLeast: false },
  loss_f32: { what: 'float32: loss beside the reference’s, relative', limit: 1e-3, atLeast: false },
  loss_bf16: { what: 'bfloat16: loss beside the reference’s, relative', limit: 1e-2, atLeast: false },
};

/** Every side that ran: captions a second, seconds of a step, memory, the last loss and how it computed. */
export function sidesTable(
  groups: readonly (readonly SideFigures[])[],
  counted: Counted,
  lossSteps: number,
): string {
  const head = ['side', 'captions/s', 's a step', 'peak memory', `loss at ${lossSteps}`, 'mode', 'group'];
  const rows = groups.flatMap((group, index) =>
    group.map((side) => {
      const rate = rateOf(side, counted);
      const loss = side.losses[lossSteps - 1];
      return [
        nameOf(side.kind),
        rate.toFixed(2),
        (counted.captions(counted.warmUp) / rate).toFixed(2),
        formatBytes(side.peakBytes),
        loss === undefined ? '' : loss.toFixed(4),
        modeOf(side),
        String(index + 1),
      ];
    }),
  );
  return formatTable([head.map(colors.bold), ...rows], 'lrrrrlr');
}

/** PyTorch's mode, and the seconds of a gradient in both. */
function modeOf({ about }: SideFigures): string {
  const { mode, gradientSeconds, compile } = about as {
    mode?: string;
    gradientSeconds?: Record<string, number>;
    compile?: string;
  };
  if (mode === undefined) return '';
  if (gradientSeconds === undefined)
    return compile === undefined ? mode : `${mode} (torch.compile ${compile})`;
  const both = Object.entries(gradientSeconds).map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s`);
  return `${mode} (gradient: ${both.join(', ')})`;
}

/** Every figure beside its goal, and, where they were run, the same without shared prefixes. */
export function goalsTable(figures: VariantFigures, separate: VariantFigures | undefined): string {
  const head = ['', 'figure', 'goal', 'measured', ...(separate ? ['prefixes not shared'] : [])];
  const rows = (Object.keys(goals) as (keyof VariantFigures)[]).flatMap((name) => {
    const measured = figures[name];
    if (measured === undefined) return [];
    const { what, limit, atLeast } = goals[name];
    const other = separate?.[name];
    return [
      [
        (atLeast ? measured >= limit : measured <= limit) ? colors.green('✓') : colors.red('✗'),
        what,
        `${atLeast ? '≥' : '≤'} ${limit}`,
        shown(measured),
        ...(separate ? [other === undefined ? '' : shown(other)] : []),
      ],
    ];
  });
  return formatTable([head.map(colors.bold), ...rows], 'llrrr');
}

function shown(value: number): string {
  return value < 0.01 ? value.toExponential(1) : value.toFixed(2);
}

/** The figures as the JSON line has them, without those that were not measured. */
export function rounded(figures: VariantFigures): Partial<Record<keyof VariantFigures, number>> {
  const entries = Object.entries(figures) as [keyof VariantFigures, number | undefined][];
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, Number(value.toPrecision(4))]])),
  );
}
