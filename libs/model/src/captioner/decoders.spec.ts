import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languageModelConfig, mapperConfig } from '../config.js';
import { gpt2Embed, gpt2Head, gpt2Hidden } from '../gpt2/gpt2.js';
import { mapPrefix } from '../mapper/mapper.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { captionBeam } from './beam.js';
import { Captioner } from './captioner.js';
import { describeDecoder } from './decoders.cases.js';
import { captionGreedy } from './greedy.js';
import { captionSampled } from './sampled.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-decoders-'));
const DIM = 6;
const IMAGES = 8;
const embeddings = new RandomStream(5, 'embeddings').normal(IMAGES * DIM, 2);
const imageOf = (index: number) => embeddings.subarray(index * DIM, (index + 1) * DIM);
let captioner: Captioner;
beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  writeTinyGpt2(folder, { initializer_range: 0.4 });
  captioner = await create('full-stop');
});
afterAll(() => {
  captioner.close();
  rmSync(folder, { recursive: true });
});

/** A captioner of random weights that likes to end: the tokens that do it have bolder logits. */
async function create(captionEnd: 'full-stop' | 'end-of-text'): Promise<Captioner> {
  const made = await Captioner.create({
    config: {
      ...mapperConfig.parse({ prefixLength: 4 }),
      ...languageModelConfig.parse({ languageModel: folder, maxCaptionTokens: 24, captionEnd }),
    },
    embeddingDim: DIM,
    seed: 3,
  });
  const flat = made.exportFlat();
  const { offset, shape } = made.layout.entries.find(({ name }) => name.endsWith('wte.weight'))!;
  for (const token of [made.tokenizer.endOfTextId, ...made.tokenizer.encode('.')]) {
    const start = offset + token * shape[1]!;
    for (let i = start; i < start + shape[1]!; i++) flat[i]! *= 3;
  }
  made.importFlat(flat);
  return made;
}

describeDecoder(
  'greedy',
  (model, values, _, options) => captionGreedy(model, values, options),
  () => ({ captioner, embeddings }),
);
describeDecoder(
  'beam search',
  (model, values, _, options) => captionBeam(model, values, { beams: 4, ...options }),
  () => ({ captioner, embeddings }),
);
describeDecoder(
  'sampling',
  (model, values, imageIds, options) =>
    captionSampled(model, values, { seed: 1, imageIds, topP: 0.9, ...options }),
  () => ({ captioner, embeddings }),
);

describe('beam search', () => {
  test.each([
    [1, 1],
    [3, 1],
    [5, 1],
    [5, 0.6],
  ])(
    'with %i beams at temperature %d finds what a plain search without a cache finds',
    (beams, temperature) => {
      const written = captionBeam(captioner, embeddings, { beams, temperature, maxTokens: 9 });
      const plain = Array.from({ length: IMAGES }, (_, i) => plainSearch(imageOf(i), beams, temperature, 9));
      expect(written).toEqual(plain);
    },
  );

  test('with one beam is greedy', () => {
    expect(captionBeam(captioner, embeddings, { beams: 1 })).toEqual(captionGreedy(captioner, embeddings));
  });

  test('takes the lower token id of two alike', async () => {
    const twins = await create('end-of-text');
    const flat = twins.exportFlat();
    const { offset, length, shape } = twins.layout.entries.find(({ name }) => name.endsWith('wte.weight'))!;
    const width = shape[1]!;
    // Every odd token becomes its even neighbour's twin.
    for (let row = 0; row + 1 < length / width; row += 2)
      flat.copyWithin(offset + (row + 1) * width, offset + row * width, offset + (row + 1) * width);
    twins.importFlat(flat);
    const captions = captionBeam(twins, embeddings, { beams: 4, maxTokens: 6 });
    // Bytes that are no text are shown as one character, which says nothing of them.
    const tokens = twins.tokenizer.encode(captions.join('').replaceAll('\ufffd', ''));
    expect(tokens.length).toBeGreaterThan(IMAGES);
    for (const token of tokens) expect(token % 2).toBe(0);
    twins.close();
  });

  test('more beams than words are refused', () => {
    const search = () => captionBeam(captioner, embeddings, { beams: 258 });
    expect(search).toThrow(UserError);
    expect(search).toThrow('258 beams are more than the 257 words');
  });
});

describe('sampling', () => {
  const imageIds = Array.from({ length: IMAGES }, (_, i) => `image ${i}`);
  const sample = (options: { seed?: number; topP?: number; temperature?: number }) =>
    captionSampled(captioner, embeddings, { seed: 1, imageIds, ...options });

  test('is decided by the seed', () => {
    expect(sample({ seed: 1 })).toEqual(sample({ seed: 1 }));
    expect(sample({ seed: 1 })).not.toEqual(sample({ seed: 2 }));
  });

  test('is greedy where only the most probable word is left, or the temperature is next to nothing', () => {
    expect(sample({ topP: 1e-6 })).toEqual(captionGreedy(captioner, embeddings));
    expect(sample({ temperature: 1e-4 })).toEqual(captionGreedy(captioner, embeddings));
  });

  test.each([1, 0.5])('draws words as often as they are probable, out of a mass of %d', (topP) => {
    const draws = 4000;
    const first = captionSampled(captioner, repeated(imageOf(0), draws), {
      seed: 7,
      imageIds: Array.from({ length: draws }, (_, i) => String(i)),
      topP,
      maxTokens: 1,
    });
    const ranked = [...nextLogProbabilities(imageOf(0), [], 1)]
      .map((score, token) => ({ token, probability: Math.exp(score) }))
      .sort((a, b) => b.probability - a.probability);
    let before = 0;
    const kept = ranked.filter(({ probability }) => (before += probability) - probability < topP);
    const mass = kept.reduce((sum, { probability }) => sum + probability, 0);
    expect(kept.length).toBeLessThan(topP === 1 ? 258 : 128);
    // Several bytes that are no text by themselves are shown alike.
    const shares = new Map<string, number>();
    for (const { token, probability } of kept) {
      const text = captioner.captionText([token]);
      shares.set(text, (shares.get(text) ?? 0) + probability / mass);
    }
    for (const text of first) expect([...shares.keys()]).toContain(text);
    for (const [text, expected] of shares) {
      const share = first.filter((other) => text === other).length / draws;
      const deviation = Math.sqrt((expected * (1 - expected)) / draws);
      expect(Math.abs(share - expected)).toBeLessThanOrEqual(4 * deviation + 1 / draws);
    }
  });
});

describe('what ends a caption', () => {
  test('a full stop ends captions in its own mode alone, and the end of text in both', async () => {
    const endOfText = await create('end-of-text');
    const stop = endOfText.tokenizer.encode('.')[0]!;
    expect([...endOfText.endTokens]).toEqual([endOfText.tokenizer.endOfTextId]);
    expect([...captioner.endTokens]).toEqual([captioner.tokenizer.endOfTextId, stop]);
    const captions = captionGreedy(endOfText, embeddings);
    expect(captions.some((caption) => caption.slice(0, -1).includes('.'))).toBe(true);
    endOfText.close();
  });

  test('training adds an end of text only where that is the end, or where there is nothing else', async () => {
    const endOfText = await create('end-of-text');
    const { endOfTextId } = captioner.tokenizer;
    expect(endOfText.tokenizeCaption('ab.')).toEqual([...captioner.tokenizer.encode('ab.'), endOfTextId]);
    expect(captioner.tokenizeCaption('ab.')).toEqual(captioner.tokenizer.encode('ab.'));
    expect(captioner.tokenizeCaption('')).toEqual([endOfTextId]);
    endOfText.close();
  });
});

/** Log-probabilities of the next token, by a whole pass over prefix and tokens. */
function nextLogProbabilities(embedding: Float32Array, tokens: number[], temperature: number): Float32Array {
  const { mapper, mapperParameters, gpt2, gpt2Parameters } = captioner.parts;
  const scores = tf.tidy(() => {
    const prefix = mapPrefix(mapperParameters, mapper, tf.tensor2d(embedding.slice(), [1, DIM]));
    const inputs =
      tokens.length === 0
        ? prefix
        : tf.concat([prefix, gpt2Embed(gpt2Parameters, tf.tensor2d([tokens], undefined, 'int32'))], 1);
    const hidden = gpt2Hidden(gpt2Parameters, gpt2, inputs);
    const logits = gpt2Head(gpt2Parameters, gpt2, hidden.slice([0, hidden.shape[1] - 1, 0]));
    return tf.logSoftmax(tf.div(logits, temperature));
  });
  const values = scores.dataSync() as Float32Array;
  scores.dispose();
  return values;
}

/** The search of the reference, written straight down. */
function plainSearch(embedding: Float32Array, beams: number, temperature: number, maxTokens: number): string {
  let found = [{ tokens: [] as number[], score: 0 }];
  const ended = ({ tokens }: { tokens: number[] }) => captioner.endTokens.has(tokens.at(-1)!);
  for (let length = 0; length < maxTokens && !found.every(ended); length++) {
    const candidates = found.flatMap((beam) =>
      ended(beam)
        ? [beam]
        : [...nextLogProbabilities(embedding, beam.tokens, temperature)].map((score, token) => ({
            tokens: [...beam.tokens, token],
            score: beam.score + score,
          })),
    );
    const mean = ({ tokens, score }: { tokens: number[]; score: number }) => score / tokens.length;
    found = candidates.sort((a, b) => mean(b) - mean(a)).slice(0, beams);
  }
  return captioner.captionText(found[0]!.tokens);
}

function repeated(values: Float32Array, times: number): Float32Array {
  return Float32Array.from({ length: values.length * times }, (_, i) => values[i % values.length]!);
}
