import type { Precision } from '@captrain/model';
import { median } from '../median.js';
import type { SideFigures } from './run-group.js';
import { mainOf } from './sides.js';

/** What the figures are worked out with: of every step its captions and its useful operations. */
export interface Counted {
  warmUp: number;
  steps: number;
  captions: (step: number) => number;
  usefulFlops: (step: number, sharedPrefix: boolean) => number;
}

/** Captions a second: the median of the counted steps. */
export function rateOf({ seconds }: Pick<SideFigures, 'seconds'>, counted: Counted): number {
  return median(countedSteps(counted).map((step) => counted.captions(step) / seconds[step]!));
}

/** The best of the shapes' medians, over all sides of this precision: operations a second. */
export function peakFlops(sides: readonly SideFigures[], precision: Precision): number {
  const of = sides.filter(({ kind }) => kind.precision === precision);
  return Math.max(...of.flatMap(({ matmuls }) => Object.values(matmuls).map(median)));
}

/** One of captrain's sides beside the peers of its group: how many times as fast, and of the peak how much. */
export interface Comparison {
  own: SideFigures;
  rate: number;
  reference: number | undefined;
  tuned: number | undefined;
  mfu: number;
}

/** Every side of captrain's, compared within its group, or with another group's peer where its own has none. */
export function comparisons(groups: readonly (readonly SideFigures[])[], counted: Counted): Comparison[] {
  const all = groups.flat();
  return groups.flatMap((group) =>
    group.flatMap((own) => {
      if (own.kind.who !== 'own') return [];
      const { precision, sharedPrefix } = own.kind;
      const rate = rateOf(own, counted);
      const times = (found: SideFigures | undefined) => found && rate / rateOf(found, counted);
      const tuned = ({ kind }: SideFigures) => kind.who === 'tuned' && kind.precision === precision;
      const peak = peakFlops(all, precision);
      return [
        {
          own,
          rate,
          reference: times(group.find(({ kind }) => kind.who === 'reference')),
          tuned: times(group.find(tuned) ?? all.find(tuned)),
          mfu: median(
            countedSteps(counted).map(
              (step) => counted.usefulFlops(step, sharedPrefix) / own.seconds[step]! / peak,
            ),
          ),
        },
      ];
    }),
  );
}

/** captrain's figures of one variant, as the JSON line has them. Undefined where a side was not run. */
export interface VariantFigures {
  reference_f32: number | undefined;
  reference_bf16: number | undefined;
  tuned_f32: number | undefined;
  tuned_bf16: number | undefined;
  mfu_f32: number | undefined;
  mfu_bf16: number | undefined;
  /** Highest resident memory in float32, over the reference's. */
  memory: number | undefined;
  loss_f32: number | undefined;
  loss_bf16: number | undefined;
}

/** Of the sides with shared prefixes where there are some, or of those without. */
export function variantFigures(
  groups: readonly (readonly SideFigures[])[],
  counted: Counted,
  options: { lossSteps: number; sharedPrefix?: boolean },
): VariantFigures {
  const compared = comparisons(groups, counted);
  const of = (precision: Precision) => {
    const kinds = compared.flatMap((each) =>
      each.own.kind.who === 'own' && each.own.kind.precision === precision
        ? [{ ...each, sharedPrefix: each.own.kind.sharedPrefix }]
        : [],
    );
    const { sharedPrefix } = options;
    return sharedPrefix === undefined
      ? mainOf(kinds)
      : kinds.find((each) => each.sharedPrefix === sharedPrefix);
  };
  const [f32, bf16] = [of('float32'), of('bfloat16')];
  const references = groups.flat().filter(({ kind }) => kind.who === 'reference');
  const loss = (own: SideFigures | undefined) => {
    const last = options.lossSteps - 1;
    const theirs = references.map(({ losses }) => losses[last]).find((value) => value !== undefined);
    const ours = own?.losses[last];
    return theirs === undefined || ours === undefined ? undefined : Math.abs(ours - theirs) / theirs;
  };
  const peer = Math.max(...references.map(({ peakBytes }) => peakBytes));
  return {
    reference_f32: f32?.reference,
    reference_bf16: bf16?.reference,
    tuned_f32: f32?.tuned,
    tuned_bf16: bf16?.tuned,
    mfu_f32: f32?.mfu,
    mfu_bf16: bf16?.mfu,
    memory: f32 && references.length > 0 ? f32.own.peakBytes / peer : undefined,
    loss_f32: loss(f32?.own),
    loss_bf16: loss(bf16?.own),
  };
}

function countedSteps({ warmUp, steps }: Counted): number[] {
  return Array.from({ length: steps }, (_, step) => warmUp + step);
}
