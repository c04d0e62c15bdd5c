import { bleu, pair, readPredictions, readReferences } from '@captrain/evaluation';
import { colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'Scores captions against references',
  examples: [
    'captrain evaluate --predictions captions.json --references captions_val2017.json',
    'captrain evaluate --predictions captions.json --references captions_val2017.json --json',
  ],
  schema: z.strictObject({
    predictions: z
      .string()
      .min(1)
      .describe('COCO results JSON: [{"image_id", "caption"}]')
      .meta({ placeholder: 'FILE' }),
    references: z
      .string()
      .min(1)
      .describe('COCO captions JSON: {"annotations": [{"image_id", "caption"}]}')
      .meta({ placeholder: 'FILE' }),
    metrics: z
      .array(z.enum(['bleu']))
      .default(['bleu'])
      .describe('What to compute, separated by commas'),
    json: z.boolean().default(false).describe('Print one JSON object instead of a table'),
  }),
  run: async ({ predictions, references, metrics, json }) => {
    const paired = pair(await readPredictions(predictions), await readReferences(references));
    const scores: Record<string, number> = {};
    if (metrics.includes('bleu')) Object.assign(scores, bleu(paired.candidates, paired.references));
    const images = paired.imageIds.length;
    if (json) {
      console.log(JSON.stringify({ images, ...scores }));
      return;
    }
    const rows = Object.entries(scores).map(([name, score]) => [names[name] ?? name, score.toFixed(4)]);
    console.log(formatTable([[colors.bold('metric'), colors.bold('score')], ...rows], 'lr'));
    console.log(colors.dim(`over ${images} image${images === 1 ? '' : 's'}`));
  },
});

const names: Record<string, string> = {
  bleu1: 'BLEU-1',
  bleu2: 'BLEU-2',
  bleu3: 'BLEU-3',
  bleu4: 'BLEU-4',
  brevityPenalty: 'brevity penalty',
};
