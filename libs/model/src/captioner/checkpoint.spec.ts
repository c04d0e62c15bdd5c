import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PeakCase } from '../../fixtures/training-peak.js';
import { languageModelConfig, mapperConfig } from '../config.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { Captioner } from './captioner.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-checkpoint-'));
beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  writeTinyGpt2(folder, { n_layer: 3 });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Loss and gradient of the first call and of a later one, with dropout. */
async function gradients(checkpointActivations: boolean, freezeLanguageModel: boolean) {
  const config = {
    ...mapperConfig.parse({ prefixLength: 3 }),
    ...languageModelConfig.parse({ languageModel: folder, freezeLanguageModel, dropout: 0.3 }),
    checkpointActivations,
  };
  const captioner = await Captioner.create({ config, embeddingDim: 6, seed: 11 });
  const embeddings = new RandomStream(2, 'embeddings').normal(12, 1);
  const tokens = ['a cat', 'two dogs run'].map((text) => captioner.tokenizeCaption(text));
  const dropoutKey = { seed: 5, step: 1, microbatch: 0 };
  const before = tf.memory().numTensors;
  const calls = [1, 2].map(() => captioner.gradient({ embeddings, tokens }, { dropoutKey }));
  expect(tf.memory().numTensors).toBe(before);
  captioner.close();
  return calls;
}

test.each([false, true])(
  'activations computed again give the same bits; language model frozen: %s',
  async (frozen) => {
    expect(await gradients(true, frozen)).toEqual(await gradients(false, frozen));
  },
);

/** Bytes by which the highest resident memory of a training process rises once the model is loaded. */
function risen(checkpointActivations: boolean): number {
  const task: PeakCase = {
    gpt2: { n_embd: 64, n_layer: 24, n_head: 4 },
    mapper: {},
    embeddingDim: 32,
    freezeLanguageModel: false,
    checkpointActivations,
    captions: 60,
    captionTokens: 31,
  };
  const programs = ['../../../../tools/run-source.mjs', '../../fixtures/training-peak.ts'];
  const args = [...programs.map((file) => path.join(import.meta.dirname, file)), JSON.stringify(task)];
  const output = execFileSync(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
  const { loaded, end } = JSON.parse(output.toString()) as { loaded: number; end: number };
  return end - loaded;
}

test('and take much less memory, for they are not computed before their turn', { timeout: 240_000 }, () => {
  expect(risen(true)).toBeLessThan(0.4 * risen(false));
});
