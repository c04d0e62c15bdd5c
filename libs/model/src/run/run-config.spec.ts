import { expect, test } from 'vitest';
import { runConfig, trainingPart } from './run-config.js';

const given = { data: 'embeddings', languageModel: 'gpt2' };

test('a run from before there was a choice goes through the captions in the order that it had', () => {
  const stored: Record<string, unknown> = { ...runConfig.parse(given) };
  delete stored['order'];
  expect(runConfig.parse(stored).order).toBe('captions');
});

test('checkpoints hold what the weights are a function of, the order included', () => {
  const config = runConfig.parse({ ...given, order: 'images', checkpointEvery: 7 });
  const part = trainingPart(config);
  expect(part.order).toBe('images');
  expect(part).not.toHaveProperty('checkpointEvery');
});

test('a run from before there were local steps has none, and islands share whole microbatches', () => {
  const stored: Record<string, unknown> = { ...runConfig.parse(given) };
  for (const key of ['localSteps', 'islands', 'outerLearningRate', 'outerMomentum']) delete stored[key];
  const config = runConfig.parse(stored);
  expect(config.localSteps).toBe(1);
  expect(trainingPart(config)).toMatchObject({ islands: 4, outerLearningRate: 0.7, outerMomentum: 0.9 });
  expect(runConfig.safeParse({ ...stored, localSteps: 8, islands: 3 }).success).toBe(false);
  expect(runConfig.safeParse({ ...stored, islands: 3 }).success).toBe(true);
});
