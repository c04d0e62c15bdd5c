/** The variants that the reference trains. */
export const trainVariants = {
  mlp: { title: 'MLP + fine-tuned', mapper: 'mlp', frozen: false },
  transformer: { title: 'Transformer + frozen', mapper: 'transformer', frozen: true },
} as const;
export type TrainVariant = keyof typeof trainVariants;
