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
