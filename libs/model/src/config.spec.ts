import { expect, test } from 'vitest';
import type { z } from 'zod';
import { languageModelConfig, learningRateAt, mapperConfig, optimizerConfig } from './config.js';

test('defaults are those of the reference', () => {
  expect(mapperConfig.parse({})).toMatchObject({
    mapper: 'mlp',
    prefixLength: 10,
    clipLength: 10,
    mapperLayers: 8,
  });
  expect(optimizerConfig.parse({})).toMatchObject({ learningRate: 2e-5, warmupSteps: 5000, weightDecay: 0 });
});

test('slices compose into one flat schema without a clash of names', () => {
  const slices = [mapperConfig, languageModelConfig, optimizerConfig];
  const names = slices.flatMap((slice) => Object.keys(slice.shape));
  expect(new Set(names).size).toBe(names.length);
  for (const slice of slices)
    for (const field of Object.values(slice.shape) as z.ZodType[]) expect(field.description).toBeTruthy();
});

test('an unknown key is refused', () => {
  expect(() => mapperConfig.parse({ prefixLenght: 10 })).toThrow('prefixLenght');
});

test('the learning rate rises over the warm-up and falls to zero at the last step', () => {
  const config = { learningRate: 0.5, warmupSteps: 4, schedule: 'linear' as const };
  const rates = Array.from({ length: 9 }, (_, step) => learningRateAt(config, step, 8));
  expect(rates).toEqual([0, 0.125, 0.25, 0.375, 0.5, 0.375, 0.25, 0.125, 0]);
});

test('a constant schedule stays at its peak, and a run without warm-up begins there', () => {
  expect(learningRateAt({ learningRate: 0.5, warmupSteps: 4, schedule: 'constant' }, 100, 8)).toBe(0.5);
  expect(learningRateAt({ learningRate: 0.5, warmupSteps: 0, schedule: 'linear' }, 0, 8)).toBe(0.5);
});
