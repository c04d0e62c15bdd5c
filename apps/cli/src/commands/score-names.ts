/** Scores as people write them. */
export const scoreNames: Readonly<Record<string, string>> = {
  bleu1: 'BLEU-1',
  bleu2: 'BLEU-2',
  bleu3: 'BLEU-3',
  bleu4: 'BLEU-4',
  brevityPenalty: 'brevity penalty',
};
