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

const layered = gpt2Config.parse({ vocab_size: 1000, n_embd: 256, n_layer: 12, n_head: 4 });
const wide = { mapper: 'transformer', prefixLength: 40, clipLength: 40 } as const;
const prefixes = { ...transformer, mapper: mapperConfig.parse(wide) };

/**
 * Bytes by which the highest resident memory (VmHWM) of a process rises above its loaded model, as measured on two cores
 * by `fixtures/training-peak.ts` with the step compiled before: two microbatches a step.
 */
describe('the estimate is near what training was measured to take beside weights and moments', () => {
  test.each([
    ['GPT-2 small fine-tuned with the MLP, 8 captions', { ...mlp, gpt2: small }, 8, 2349],
    ['GPT-2 small fine-tuned with the MLP, 40 captions', { ...mlp, gpt2: small }, 40, 2751],
    ['GPT-2 small frozen with the Transformer, 8 captions', { ...prefixes, gpt2: small }, 8, 932],
    ['GPT-2 small frozen with the Transformer, 40 captions', { ...prefixes, gpt2: small }, 40, 2584],
    ['a narrow GPT-2 fine-tuned, 100 captions', { ...mlp, gpt2: narrow }, 100, 643],
    ['many layers, 10 captions', { ...mlp, gpt2: layered }, 10, 222],
    ['many layers, 400 captions', { ...mlp, gpt2: layered }, 400, 4268],
    ['many layers frozen, 10 captions', { ...prefixes, gpt2: layered }, 10, 271],
    ['many layers frozen, 100 captions', { ...prefixes, gpt2: layered }, 100, 1784],
    ['activations computed again', { ...mlp, gpt2: layered, checkpointActivations: true }, 200, 455],
    ['without kernels, 5 captions', { ...mlp, gpt2: layered, kernels: false }, 5, 519],
    ['without kernels, 30 captions', { ...mlp, gpt2: layered, kernels: false }, 30, 1166],
    ['without kernels, frozen, 30 captions', { ...prefixes, gpt2: layered, kernels: false }, 30, 1928],
  ])('%s', (_, run, captions, megabytes) => {
    const estimate = trainingMemory({ ...run, batchSize: 2 * captions, microbatches: 2 });
    const { device, weights, moments, exchange } = estimate;
    const relative = (device - weights - moments + exchange) / (megabytes * 1e6);
    expect(relative).toBeGreaterThan(0.9);
    expect(relative).toBeLessThan(1.2);
  });
});

test('weights, gradients and moments are exact', () => {
  // GPT-2 small has 124,439,808 values; the MLP 512·3840 + 3840 + 3840·7680 + 7680.
  const mapper = 512 * 3840 + 3840 + 3840 * 7680 + 7680;
  const { parameters, weights, gradients, moments } = trainingMemory({ ...mlp, gpt2: small });
  expect(parameters).toBe(124_439_808 + mapper);
  // One sum for each of the four levels of a tree over eight microbatches.
  expect([weights, gradients, moments]).toEqual([4 * parameters, 16 * parameters, 8 * parameters]);
});

test('local steps need three values for each parameter many times over, and the momentum', () => {
  const of = (changes: object) => trainingMemory({ ...mlp, gpt2: small, ...changes });
  const { parameters, exchange, checkpoint } = of({});
  const local = of({ localSteps: 32, islands: 4 });
  // The changes: three sums of a tree over four islands, and the one that is received; the start, and the momentum.
  expect(local.exchange - exchange).toBe(4 * parameters * (3 * 4 + 3 + 1 - 1));
  expect(local.checkpoint - checkpoint).toBe(4 * parameters);
  // Two microbatches of eight are an island's.
  expect(local.gradients).toBe(8 * parameters);
});

test('more captions, longer ones and fewer microbatches need more', () => {
  const of = (changes: object) => trainingMemory({ ...mlp, gpt2: small, ...changes }).activations;
  expect(of({ batchSize: 80 })).toBeGreaterThan(1.2 * of({}));
  expect(of({ microbatches: 4 })).toBe(of({ batchSize: 80 }));
  expect(of({ captionTokens: 60 })).toBeGreaterThan(1.2 * of({}));
});

test('captioning needs the weights, and some more for every image', () => {
  const of = (images: number) => captioningMemory({ ...mlp, gpt2: small, images });
  expect(of(1)).toBeGreaterThan(4 * 124_439_808);
  expect(of(64)).toBeGreaterThan(of(32));
});
