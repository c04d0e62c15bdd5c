/** The two ways to train a captioner that the demo shows. */
export type VariantName = 'mlp' | 'transformer';

export interface Variant {
  name: VariantName;
  /** For people. */
  title: string;
  /** For people who have read the title before. */
  shortTitle: string;
  /** Steps of training, and captions of each. */
  steps: number;
  batchSize: number;
  /** Flags of `captrain train` beside those that both share. */
  flags: Record<string, string | number | boolean>;
}

/** Flags of `captrain train` that both variants share. */
export const sharedFlags = {
  microbatches: 2,
  prefixLength: 10,
  warmupSteps: 20,
  // The workers themselves fill the processors; the models are too small to share among threads.
  threads: 1,
} as const;

export const variants: readonly Variant[] = [
  {
    name: 'mlp',
    title: 'MLP mapper, GPT-2 fine-tuned',
    shortTitle: 'MLP, fine-tuned',
    steps: 260,
    batchSize: 64,
    flags: { mapper: 'mlp', learningRate: 4e-3 },
  },
  {
    name: 'transformer',
    title: 'Transformer mapper, GPT-2 frozen',
    shortTitle: 'Transformer, frozen',
    steps: 520,
    batchSize: 32,
    flags: {
      mapper: 'transformer',
      freezeLanguageModel: true,
      mapperLayers: 2,
      mapperHeads: 8,
      learningRate: 3e-3,
    },
  },
];
