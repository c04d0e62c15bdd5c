// R rows that are written, V vocabulary, K words looked at for each
import { rawOp, tf } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import type { Captioner } from './captioner.js';
import type { EmbeddingSequences } from './embedding-sequences.js';
import { writeCaptions, type WordChooser, type WriteOptions } from './write-captions.js';

export interface BeamOptions extends WriteOptions {
  /** Captions that are kept for each image while they are written. */
  beams: number;
  /** Divides the logits before they become probabilities; 1 unless given. */
  temperature?: number | undefined;
}

/**
 * The best caption of a beam search for each of the embeddings (row after row) or sequences of them, ranked throughout by the mean
 * log-probability of a caption's tokens, its end included. A caption that has ended keeps its place among the beams as
 * long as its mean is good enough; the search ends when all beams have, or after `maxTokens`. Of two alike, the one
 * from the better beam is taken, then the one with the lower token id. More beams than words are a UserError.
 * Source: `generate_beam` of the reference's predict.py.
 */
export function captionBeam(
  captioner: Captioner,
  inputs: Float32Array | EmbeddingSequences,
  options: BeamOptions,
): string[] {
  const { beams, temperature = 1 } = options;
  const words = captioner.gpt2.vocab_size;
  if (beams > words)
    throw new UserError(`${beams} beams are more than the ${words} words of the language model; take fewer.`);
  return writeCaptions(captioner, inputs, options, (images) =>
    beamSearch(images, captioner.endTokens, beams, (logits_RV) =>
      probableWords(logits_RV, beams, temperature),
    ),
  );
}

interface Beam {
  tokens: readonly number[];
  /** Sum of the tokens' log-probabilities. */
  score: number;
  ended: boolean;
}

/** The most probable words behind each row, best first: R times K of them. */
interface ProbableWords {
  words: ArrayLike<number>;
  logProbabilities: ArrayLike<number>;
}

function beamSearch(
  images: number,
  endTokens: ReadonlySet<number>,
  beams: number,
  probable: (logits_RV: tf.Tensor2D) => ProbableWords,
): WordChooser {
  let found: Beam[][] = Array.from({ length: images }, () => [{ tokens: [], score: 0, ended: false }]);
  return {
    choose(logits_RV) {
      const { words, logProbabilities } = probable(logits_RV);
      const parents: number[] = [];
      const nextWords: number[] = [];
      let row = 0;
      found = found.map((before) => {
        // Best first, and in order where alike: the sort is stable.
        const candidates = before.flatMap((beam) => {
          if (beam.ended) return [{ beam, parent: -1 }];
          const parent = row++;
          return Array.from({ length: beams }, (_, k) => {
            const word = words[parent * beams + k]!;
            const score = beam.score + logProbabilities[parent * beams + k]!;
            return { beam: { tokens: [...beam.tokens, word], score, ended: endTokens.has(word) }, parent };
          });
        });
        candidates.sort((a, b) => mean(b.beam) - mean(a.beam));
        const chosen = candidates.slice(0, beams);
        for (const { beam, parent } of chosen.filter(({ beam }) => !beam.ended)) {
          parents.push(parent);
          nextWords.push(beam.tokens.at(-1)!);
        }
        return chosen.map(({ beam }) => beam);
      });
      return { parents, words: nextWords };
    },
    captions: () => found.map(([best]) => best!.tokens),
  };
}

function mean({ score, tokens }: Beam): number {
  return score / tokens.length;
}

function probableWords(logits_RV: tf.Tensor2D, count: number, temperature: number): ProbableWords {
  const [values_RK, words_RK] = tf.tidy(() => {
    const scaled_RV = temperature === 1 ? logits_RV : tf.div(logits_RV, temperature);
    const logProbabilities_RV = rawOp('LogSoftmax', [scaled_RV])[0]!;
    return rawOp('TopKV2', [logProbabilities_RV, tf.scalar(count, 'int32')], { sorted: true }, 2);
  }) as [tf.Tensor2D, tf.Tensor2D];
  const result = { words: words_RK.dataSync(), logProbabilities: values_RK.dataSync() };
  tf.dispose([values_RK, words_RK]);
  return result;
}
