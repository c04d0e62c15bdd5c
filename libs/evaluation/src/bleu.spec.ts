import { expect, it } from 'vitest';
import { bleu } from './bleu.js';
import { flickr8kCaptions, golden } from './flickr8k.cases.js';

const captions = [...flickr8kCaptions().values()];

it.each(golden.cases)(
  'gives pycocoevalcap’s BLEU-1 to BLEU-4 on $images images of Flickr8k, references shifted by $shift',
  ({ images, shift, bleu: expected }) => {
    const candidates = captions.slice(0, images).map(([first]) => first as string);
    const references = candidates.map((_, index) => captions[(index + shift) % captions.length]!.slice(1));
    const { bleu1, bleu2, bleu3, bleu4 } = bleu(candidates, references);
    [bleu1, bleu2, bleu3, bleu4].forEach((score, n) => expect(score).toBeCloseTo(expected[n]!, 12));
  },
);

it('takes the shorter of two references that are equally close, so that no penalty falls on the candidate', () => {
  expect(bleu(['a b c'], [['a b', 'a b c d']]).brevityPenalty).toBe(1);
});

it('penalises candidates that are shorter than every reference', () => {
  const { brevityPenalty, bleu1 } = bleu(['a b'], [['a b c d']]);
  expect(brevityPenalty).toBeCloseTo(Math.exp(-1), 6);
  expect(bleu1).toBeCloseTo(Math.exp(-1), 6);
});

it('scores an empty candidate as zero and not as NaN', () => {
  expect(bleu([''], [['a b c d']]).bleu4).toBeLessThan(1e-6);
});

it('refuses lists of different lengths and images without a reference', () => {
  expect(() => bleu(['a'], [])).toThrow(/1 candidates, but references of 0 images/);
  expect(() => bleu(['a'], [[]])).toThrow(/image 0 has no reference/);
});
