import type { Variant, VariantName } from '../variants.js';

/** One step of a run, as its metrics.jsonl says. */
export interface LossPoint {
  step: number;
  loss: number;
}

/** What a variant came to. */
export interface VariantResult {
  variant: Variant;
  bleu4: number;
  /** The same model fed other pictures' embeddings. */
  bleu4Shuffled: number;
  /** Wall time of training, processes' start included. */
  seconds: number;
  losses: LossPoint[];
  captionsPerSecond: number;
  stepMilliseconds: number;
}

/** A held-out picture with what was said of it. */
export interface Sample {
  imageId: number;
  jpeg: Buffer;
  captions: Record<VariantName, string>;
  references: string[];
}

/** Everything the report shows. */
export interface ReportData {
  results: VariantResult[];
  samples: Sample[];
  heldOut: number;
  /** Names and values for the table at the end. */
  facts: [name: string, value: string][];
  seconds: number;
  /** Seconds of each stage, in order. */
  stages: [title: string, seconds: number][];
}

/** What report.json holds: the scores for programs. */
export function reportJson({ results, seconds }: Pick<ReportData, 'results' | 'seconds'>): string {
  const scores = results.map(({ variant, bleu4, bleu4Shuffled, seconds: trained }) => [
    variant.name,
    { bleu4, bleu4_shuffled: bleu4Shuffled, seconds: trained },
  ]);
  return `${JSON.stringify({ ...Object.fromEntries(scores), seconds })}\n`;
}
