import type { Gpt2Config, Precision } from '@captrain/model';
import type { TrainVariant } from '../train/variants.js';

/** Language models by size: layers, width and heads of GPT-2's architecture. */
export const sizes = {
  distilled: { title: '6 layers, 82 M', n_layer: 6, n_embd: 768, n_head: 12 },
  small: { title: 'small, 124 M', n_layer: 12, n_embd: 768, n_head: 12 },
  medium: { title: 'medium, 355 M', n_layer: 24, n_embd: 1024, n_head: 16 },
} as const satisfies Record<string, Partial<Gpt2Config> & { title: string }>;
export type Size = keyof typeof sizes;

/** A captioner. */
export interface Setting {
  variant: TrainVariant;
  precision: Precision;
  size: Size;
  /** Of the transformer mapper. */
  mapperLayers: number;
}

/** What its steps are on. */
export interface Load {
  /** A multiple of 5: an image has five captions, which share its prefix. */
  captions: number;
  /** Tokens of every caption; Flickr8k's own captions where it is not given. */
  tokens?: number;
  /** Whether GPT-2 drops values, at its config's rates (0.1). Default: false. */
  drops?: boolean;
}

export const axes = ['batch', 'length', 'model', 'mapper', 'dropout'] as const;
export type Axis = (typeof axes)[number];

/** One point of a plot. */
export interface Measurement {
  axis: Axis;
  /** The line it belongs to. */
  line: string;
  x: number;
  setting: Setting;
  load: Load;
}

const BATCH = 40;
const MAPPER_LAYERS = 8;

export interface Chosen {
  precisions: readonly Precision[];
  /** Only few points. */
  quick: boolean;
}

/** The points of all plots. On the axis of models x is the index of the size. */
export function measurements({ precisions, quick }: Chosen): Measurement[] {
  const lines = (['mlp', 'transformer'] as const).flatMap((variant) =>
    precisions.map((precision) => ({
      line: `${variant === 'mlp' ? 'MLP, GPT-2 trained' : 'Transformer, frozen'}, ${precision}`,
      setting: { variant, precision, size: 'small' as Size, mapperLayers: MAPPER_LAYERS },
    })),
  );
  const of = (variant: TrainVariant) => lines.filter(({ setting }) => setting.variant === variant);
  const grow = (
    axis: Axis,
    chosen: readonly (typeof lines)[number][],
    xs: readonly number[],
    change: (x: number) => { setting?: Partial<Setting>; load?: Partial<Load> },
  ): Measurement[] =>
    chosen.flatMap(({ line, setting }) =>
      xs.map((x) => {
        const { setting: ofSetting, load } = change(x);
        return { axis, line, x, setting: { ...setting, ...ofSetting }, load: { captions: BATCH, ...load } };
      }),
    );
  // What is quick compares precisions by batch size alone.
  const best = (variant: TrainVariant) => (quick ? of(variant).slice(-1) : of(variant));
  const modelSizes: Size[] = quick ? ['distilled', 'small'] : ['distilled', 'small', 'medium'];
  const some = (all: number[], few: number[]) => (quick ? few : all);
  return [
    ...grow('batch', quick ? of('mlp') : lines, some([5, 10, 20, 40, 80, 160], [10, 40]), (captions) => ({
      load: { captions },
    })),
    ...grow('length', best('mlp'), some([6, 12, 24, 48], [6, 24]), (tokens) => ({ load: { tokens } })),
    ...grow(
      'model',
      best('mlp'),
      modelSizes.map((_, index) => index),
      (index) => ({ setting: { size: modelSizes[index]! } }),
    ),
    ...grow('mapper', best('transformer'), some([1, 2, 4, 8, 16], [2, 8]), (mapperLayers) => ({
      setting: { mapperLayers },
    })),
    ...grow('dropout', best('mlp'), [0, 1], (drops) => ({ load: drops === 1 ? { drops: true } : {} })),
  ];
}
