import path from 'node:path';
import { bleu, pair, readPredictions, readReferences } from '@captrain/evaluation';
import { colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';
import { scoreNames } from './score-names.js';
import { writeScores } from './write-scores.js';

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'Scores captions against references',
  examples: [
    'captrain evaluate --predictions captions.json --references captions_val2017.json',
    'captrain evaluate --predictions captions.json --references captions_val2017.json --json',
    'captrain evaluate --predictions captions.json --references captions_val2017.json --out scores.json',
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
    out: z
      .string()
      .min(1)
      .optional()
      .describe('JSON file to write the scores to, for captrain export --scores')
      .meta({ placeholder: 'FILE' }),
    json: z.boolean().default(false).describe('Print one JSON object instead of a table'),
  }),
  run: async ({ predictions, references, metrics, out, json }) => {
    const paired = pair(await readPredictions(predictions), await readReferences(references));
    const scores: Record<string, number> = {};
    if (metrics.includes('bleu')) Object.assign(scores, bleu(paired.candidates, paired.references));
    const images = paired.imageIds.length;
    const names = { predictions: path.basename(predictions), references: path.basename(references) };
    const result = { ...names, images, ...scores };
    if (out !== undefined) await writeScores(out, result);
    if (json) {
      console.log(JSON.stringify(result));
      return;
    }
    const rows = Object.entries(scores).map(([name, score]) => [scoreNames[name] ?? name, score.toFixed(4)]);
    console.log(formatTable([[colors.bold('metric'), colors.bold('score')], ...rows], 'lr'));
    console.log(colors.dim(`over ${images} image${images === 1 ? '' : 's'}`));
  },
});
