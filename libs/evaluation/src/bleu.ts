import { tokenize } from './tokenize.js';

/** Corpus BLEU-1 to BLEU-4 and the brevity penalty that is already in them; all between 0 and 1. */
export interface Bleu {
  bleu1: number;
  bleu2: number;
  bleu3: number;
  bleu4: number;
  brevityPenalty: number;
}

const longest = 4;
/** pycocoevalcap's constants, which keep 0 / 0 at 0. */
const tiny = 1e-15;
const small = 1e-9;

/**
 * Corpus BLEU of one candidate per image against that image's references, as pycocoevalcap 1.2 defines it
 * (`bleu/bleu_scorer.py`, option "closest"): n-gram matches clipped by the largest count in any one reference,
 * summed over the corpus before dividing; the reference length is the closest to the candidate's, the shorter
 * on a tie. Texts are cut by {@link tokenize}. Throws a RangeError when the lists differ in length or an image
 * has no reference.
 */
export function bleu(candidates: readonly string[], references: readonly (readonly string[])[]): Bleu {
  if (candidates.length !== references.length) {
    throw new RangeError(`${candidates.length} candidates, but references of ${references.length} images`);
  }
  const correct = [0, 0, 0, 0];
  const guessed = [0, 0, 0, 0];
  let candidateLength = 0;
  let referenceLength = 0;

  candidates.forEach((candidate, index) => {
    const words = tokenize(candidate);
    const referenceWords = (references[index] ?? []).map(tokenize);
    if (referenceWords.length === 0) throw new RangeError(`image ${index} has no reference`);
    candidateLength += words.length;
    referenceLength += closestLength(
      words.length,
      referenceWords.map((reference) => reference.length),
    );
    for (let n = 1; n <= longest; n++) {
      guessed[n - 1]! += Math.max(0, words.length - n + 1);
      correct[n - 1]! += clippedMatches(words, referenceWords, n);
    }
  });

  const ratio = (candidateLength + tiny) / (referenceLength + small);
  const brevityPenalty = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  const scores = correct.map((count, index) => {
    product *= (count + tiny) / (guessed[index]! + small);
    return product ** (1 / (index + 1)) * brevityPenalty;
  });
  const [bleu1, bleu2, bleu3, bleu4] = scores as [number, number, number, number];
  return { bleu1, bleu2, bleu3, bleu4, brevityPenalty };
}

function closestLength(length: number, references: number[]): number {
  return references.reduce((best, next) => {
    const gain = Math.abs(best - length) - Math.abs(next - length);
    return gain > 0 || (gain === 0 && next < best) ? next : best;
  });
}

/** How many of the candidate's n-grams stand in the references, each at most as often as in any one of them. */
function clippedMatches(words: string[], references: string[][], n: number): number {
  const allowed = new Map<string, number>();
  for (const reference of references) {
    for (const [ngram, count] of ngramCounts(reference, n)) {
      allowed.set(ngram, Math.max(allowed.get(ngram) ?? 0, count));
    }
  }
  let matches = 0;
  for (const [ngram, count] of ngramCounts(words, n)) matches += Math.min(count, allowed.get(ngram) ?? 0);
  return matches;
}

function ngramCounts(words: string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + n <= words.length; start++) {
    const ngram = words.slice(start, start + n).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}
