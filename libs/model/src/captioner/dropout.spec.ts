import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type LanguageModelConfig, languageModelConfig, mapperConfig } from '../config.js';
import { type Gpt2Config, dropoutRates } from '../gpt2/gpt2-config.js';
import type { DropoutKey } from '../ops/dropout.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { Captioner } from './captioner.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-dropout-'));
const open: Captioner[] = [];
beforeAll(() => startEngine({ device: 'cpu' }));
afterEach(() => open.splice(0).forEach((captioner) => captioner.close()));
afterAll(() => rmSync(folder, { recursive: true }));

const dropoutKey: DropoutKey = { seed: 5, step: 1, microbatch: 0 };
const OFF = dropoutRates(0);

async function create(rates: Partial<Gpt2Config>, config: Partial<LanguageModelConfig> = {}) {
  const languageModel = mkdtempSync(path.join(folder, 'gpt2-'));
  writeTinyGpt2(languageModel, rates);
  const captioner = await Captioner.create({
    config: {
      ...mapperConfig.parse({ prefixLength: 3 }),
      ...languageModelConfig.parse({ languageModel, ...config }),
    },
    embeddingDim: 6,
    seed: 11,
  });
  open.push(captioner);
  return captioner;
}

function batchOf(captioner: Captioner) {
  const embeddings = new RandomStream(2, 'embeddings').normal(12, 1);
  return { embeddings, tokens: ['a cat', 'two dogs run'].map((text) => captioner.tokenizeCaption(text)) };
}

const lossOf = (captioner: Captioner, key?: DropoutKey) =>
  captioner.gradient(batchOf(captioner), key ? { dropoutKey: key } : {}).lossSum;

test.each(['resid_pdrop', 'embd_pdrop', 'attn_pdrop'])(
  '%s of the language model is honoured',
  async (rate) => {
    const captioner = await create({ ...OFF, [rate]: 0.3 });
    expect(lossOf(captioner, dropoutKey)).not.toBe(lossOf(captioner));
  },
);

test('the same key gives the same bits, and each step, microbatch and seed another mask', async () => {
  const captioner = await create(dropoutRates(0.2));
  const batch = batchOf(captioner);
  const first = captioner.gradient(batch, { dropoutKey });
  expect(captioner.gradient(batch, { dropoutKey: { ...dropoutKey } })).toEqual(first);
  const others = [{ step: 2 }, { microbatch: 1 }, { seed: 6 }].map((changed) =>
    lossOf(captioner, { ...dropoutKey, ...changed }),
  );
  expect(new Set([first.lossSum, ...others]).size).toBe(4);
});

test('its gradient is the slope of the loss under the same masks', async () => {
  const captioner = await create(dropoutRates(0.2));
  const { gradients } = captioner.gradient(batchOf(captioner), { dropoutKey });
  const start = captioner.exportFlat();
  for (const { name, offset, length } of captioner.layout.entries) {
    const gradient = gradients.subarray(offset, offset + length);
    const norm = Math.hypot(...gradient);
    const step = Math.min(5e-3, 0.05 / norm);
    const lossAt = (distance: number) => {
      const moved = start.slice();
      gradient.forEach((value, i) => (moved[offset + i]! += (distance * value) / norm));
      captioner.importFlat(moved);
      return lossOf(captioner, dropoutKey);
    };
    const slope = (lossAt(step) - lossAt(-step)) / (2 * step);
    expect(Math.abs(slope - norm) / norm, `${name}: ${slope} and ${norm}`).toBeLessThan(0.02);
  }
});

test('over many steps the gradient is near the one without dropout', async () => {
  const captioner = await create({ ...OFF, embd_pdrop: 0.02 });
  const batch = batchOf(captioner);
  const exact = captioner.gradient(batch).gradients;
  const mean = new Float64Array(exact.length);
  for (let step = 0; step < 200; step++)
    captioner
      .gradient(batch, { dropoutKey: { ...dropoutKey, step } })
      .gradients.forEach((value, i) => (mean[i]! += value / 200));
  const difference = Math.hypot(...mean.map((value, i) => value - exact[i]!));
  expect(difference / Math.hypot(...exact)).toBeLessThan(0.1);
});

test('a frozen language model, and the loss alone, have none', async () => {
  const frozen = await create(dropoutRates(0.3), { freezeLanguageModel: true });
  const batch = batchOf(frozen);
  expect(frozen.gradient(batch, { dropoutKey })).toEqual(frozen.gradient(batch));
  const trained = await create(dropoutRates(0.3));
  expect(trained.loss(batch).lossSum).toBeCloseTo(lossOf(trained), 3);
});

test("the captioner's own rate replaces the model's; 0 turns dropout off", async () => {
  const off = await create(dropoutRates(0.3), { dropout: 0 });
  const batch = batchOf(off);
  expect(off.gradient(batch, { dropoutKey })).toEqual(off.gradient(batch));
  const [asked, own] = [await create(OFF, { dropout: 0.3 }), await create(dropoutRates(0.3))];
  expect(asked.gradient(batch, { dropoutKey })).toEqual(own.gradient(batch, { dropoutKey }));
});

test('leaves no tensor behind', async () => {
  const captioner = await create(dropoutRates(0.2));
  await expectNoLeak(() => captioner.gradient(batchOf(captioner), { dropoutKey }));
});
