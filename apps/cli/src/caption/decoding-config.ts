import { UserError } from '@captrain/runtime';
import { z } from 'zod';

/** Options of `captrain caption` that say how words are chosen. Nothing here touches TensorFlow. */
export const decodingConfig = z.strictObject({
  beam: z
    .int()
    .min(1)
    .optional()
    .describe('Beam search with so many beams; word by word the most probable unless given'),
  topP: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Draw words at random, from the most probable ones that together have this probability')
    .meta({ placeholder: 'P' }),
  temperature: z
    .number()
    .positive()
    .optional()
    .describe('Of --beam or --top-p: below 1 favours the probable words, above 1 the others; 1 unless given'),
  seed: z
    .int()
    .min(0)
    .optional()
    .describe('Of --top-p: the same seed draws the same captions; 0 unless given'),
});
export type DecodingConfig = z.output<typeof decodingConfig>;

/** Throws `UserError` where options contradict each other, or would change nothing. */
export function checkDecoding({ beam, topP, temperature, seed }: DecodingConfig): void {
  if (beam !== undefined && topP !== undefined)
    throw new UserError(
      'Both --beam, which searches, and --top-p, which draws at random, are given; name one of them',
    );
  if (temperature !== undefined && beam === undefined && topP === undefined)
    throw new UserError(
      '--temperature changes nothing where the most probable words are taken; add --top-p or --beam',
    );
  if (seed !== undefined && topP === undefined)
    throw new UserError('--seed changes nothing where nothing is drawn at random; add --top-p');
}
