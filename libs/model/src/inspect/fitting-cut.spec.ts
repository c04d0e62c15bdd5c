import { expect, test } from 'vitest';
import { mapperConfig } from '../config.js';
import { gpt2Config } from '../gpt2/gpt2-config.js';
import { fittingCut } from './fitting-cut.js';

const run = {
  gpt2: gpt2Config.parse({}),
  mapper: mapperConfig.parse({ mapper: 'transformer' }),
  embeddingDim: 512,
  freezeLanguageModel: true,
  batchSize: 40,
  captionTokens: 64,
};
const cutOf = (gigabytes: number, onHost = false) => fittingCut(run, { free: gigabytes * 1e9, onHost });

test('the whole batch is one microbatch where there is memory for it', () => {
  expect(cutOf(80)).toBe(1);
});

test('less memory means more microbatches, down to single captions, which are tried in any case', () => {
  const cuts = [8, 4, 2, 1, 0.001].map((gigabytes) => cutOf(gigabytes));
  expect(cuts).toEqual(cuts.toSorted((a, b) => a - b));
  expect(new Set(cuts).size).toBeGreaterThan(2);
  expect(cuts.at(-1)).toBe(40);
  for (const cut of cuts) expect(40 % cut).toBe(0);
});

test('on a CPU what the exchange and checkpoints take is counted', () => {
  const sizes = [1, 2, 3, 4, 6, 8];
  expect(sizes.every((size) => cutOf(size, true) >= cutOf(size))).toBe(true);
  expect(sizes.some((size) => cutOf(size, true) > cutOf(size))).toBe(true);
});
