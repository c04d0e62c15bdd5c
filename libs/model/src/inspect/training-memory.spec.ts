import { describe, expect, test } from 'vitest';
import { mapperConfig } from '../config.js';
import { gpt2Config } from '../gpt2/gpt2-config.js';
import { captioningMemory, trainingMemory } from './training-memory.js';

const batch = { batchSize: 40, microbatches: 8, captionTokens: 30, embeddingDim: 512 };
const mlp = { ...batch, mapper: mapperConfig.parse({}), freezeLanguageModel: false };
const transformer = {
  ...batch,
  mapper: mapperConfig.parse({ mapper: 'transformer' }),
  freezeLanguageModel: true,
};
const small = gpt2Config.parse({});
const narrow = gpt2Config.parse({ n_embd: 256, n_layer: 4, n_head: 4 });

/** Highest resident memory of a worker in three steps, as measured on two cores by Linux (VmHWM), in GB. */
describe('the estimate is near what a worker was measured to need', () => {
  test.each([
    ['GPT-2 small fine-tuned with the MLP', { ...mlp, gpt2: small }, 9.5],
    ['GPT-2 small frozen with the Transformer', { ...transformer, gpt2: small }, 3.35],
    ['a narrow GPT-2 fine-tuned with the MLP', { ...mlp, gpt2: narrow }, 2.33],
  ])('%s', (_, run, measured) => {
    const { device, host } = trainingMemory(run);
    const relative = (device + host) / (measured * 1e9);
    expect(relative).toBeGreaterThan(0.9);
    expect(relative).toBeLessThan(1.25);
  });
});

test('weights, gradients and moments are exact', () => {
  // GPT-2 small has 124,439,808 values; the MLP 512·3840 + 3840 + 3840·7680 + 7680.
  const mapper = 512 * 3840 + 3840 + 3840 * 7680 + 7680;
  const { parameters, weights, gradients, moments } = trainingMemory({ ...mlp, gpt2: small });
  expect(parameters).toBe(124_439_808 + mapper);
  expect([weights, gradients, moments]).toEqual([4 * parameters, 4 * parameters, 8 * parameters]);
});

test('more captions, longer ones and fewer microbatches need more', () => {
  const of = (changes: object) => trainingMemory({ ...mlp, gpt2: small, ...changes }).activations;
  expect(of({ batchSize: 80 })).toBe(2 * of({}));
  expect(of({ microbatches: 4 })).toBe(2 * of({}));
  expect(of({ captionTokens: 60 })).toBeGreaterThan(1.5 * of({}));
});

test('captioning needs the weights, and some more for every image', () => {
  const of = (images: number) => captioningMemory({ ...mlp, gpt2: small, images });
  expect(of(1)).toBeGreaterThan(4 * 124_439_808);
  expect(of(64)).toBeGreaterThan(of(32));
});
