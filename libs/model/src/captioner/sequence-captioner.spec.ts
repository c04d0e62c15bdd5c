import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AdamW } from '../adamw.js';
import { languageModelConfig, mapperConfig, optimizerConfig } from '../config.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { Captioner } from './captioner.js';
import { captionGreedy } from './greedy.js';

const DIM = 6;
const folder = mkdtempSync(path.join(tmpdir(), 'captrain-sequences-'));
const open: Captioner[] = [];
beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  writeTinyGpt2(folder);
});
afterEach(() => open.splice(0).forEach((captioner) => captioner.close()));
afterAll(() => rmSync(folder, { recursive: true }));

async function create() {
  const small = { prefixLength: 3, clipLength: 2, mapperLayers: 2, mapperHeads: 4 };
  const config = {
    ...mapperConfig.parse({ mapper: 'transformer', frames: 3, ...small }),
    ...languageModelConfig.parse({ languageModel: folder, maxCaptionTokens: 20 }),
  };
  open.push(await Captioner.create({ config, embeddingDim: DIM, seed: 11 }));
  return open.at(-1)!;
}

// Two frames, in three orders and lengths: only a mapper that sees their order can tell the first two apart.
const [first, second] = ['first', 'second'].map((name) => [...new RandomStream(2, name).normal(DIM, 1)]);
const videos = [
  [first!, second!],
  [second!, first!],
  [first!, second!, first!],
];
const texts = ['opens', 'shuts', 'opens and shuts'];

const sequencesOf = (indices: number[]) => ({
  embeddings: Float32Array.from(indices.flatMap((index) => videos[index]!.flat())),
  frames: indices.map((index) => videos[index]!.length),
});
const batchOf = (captioner: Captioner, indices: number[]) => ({
  ...sequencesOf(indices),
  tokens: indices.map((index) => captioner.tokenizeCaption(texts[index]!)),
});

test('videos that differ in the order of their frames learn different captions', async () => {
  const captioner = await create();
  const optimizer = new AdamW(captioner.variables, optimizerConfig.parse({}));
  const batch = batchOf(captioner, [0, 1, 2]);
  for (let step = 0, loss = Infinity; step < 500 && loss > 0.05; step++) {
    const { lossSum, captionTokens, gradients } = captioner.gradient(batch);
    optimizer.apply(gradients, { scale: 1 / captionTokens, learningRate: 0.01 });
    loss = lossSum / captionTokens;
  }
  optimizer.close();
  expect(captionGreedy(captioner, sequencesOf([0, 1, 2]))).toEqual(texts);
  // Alone, without padding beside longer ones.
  expect([0, 1, 2].flatMap((index) => captionGreedy(captioner, sequencesOf([index])))).toEqual(texts);
});

test('a batch is the sum of its captions, whatever the lengths of their sequences', async () => {
  const captioner = await create();
  const whole = captioner.gradient(batchOf(captioner, [0, 1, 2]));
  const parts = [0, 1, 2].map((index) => captioner.gradient(batchOf(captioner, [index])));
  const lossOfParts = parts.reduce((sum, part) => sum + part.lossSum, 0);
  expect(Math.abs(whole.lossSum / lossOfParts - 1)).toBeLessThan(1e-5);
  const difference = whole.gradients.map(
    (value, i) => value - parts.reduce((sum, part) => sum + part.gradients[i]!, 0),
  );
  expect(Math.hypot(...difference) / Math.hypot(...whole.gradients)).toBeLessThan(1e-5);
});

test('leaves no tensor behind, and refuses what does not fit', async () => {
  const captioner = await create();
  const batch = batchOf(captioner, [0, 2]);
  await expectNoLeak(() => {
    captioner.gradient(batch);
    captionGreedy(captioner, sequencesOf([0, 2]), { maxTokens: 3 });
  });
  expect(() => captioner.loss({ ...batch, frames: [2] })).toThrow('5 embeddings for sequences of 2');
  expect(() => captioner.loss({ ...batch, frames: [5] })).toThrow('a sequence of 5 embeddings where 1 to 3');
  expect(() => captioner.loss({ ...batch, tokens: [[1]] })).toThrow('embeddings of 2 images for 1 captions');
  expect(captionGreedy(captioner, { embeddings: new Float32Array(0), frames: [] })).toEqual([]);
});
