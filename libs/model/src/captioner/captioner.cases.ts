import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { sha256 } from '@captrain/runtime';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { AdamW } from '../adamw.js';
import { languageModelConfig, mapperConfig, optimizerConfig } from '../config.js';
import { type Gpt2Config, gpt2Shapes } from '../gpt2/gpt2-config.js';
import { loadGpt2 } from '../gpt2/load-gpt2.js';
import { tensorsOfFlat } from '../layout.js';
import type { ParameterValues } from '../parameters.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { writeSafetensors } from '../weights/write-safetensors.js';
import { writeModelFolder } from '../write-model-folder.js';
import { Captioner, type CaptionerConfig } from './captioner.js';
import { captionGreedy } from './greedy.js';
import type { CaptionBatch } from './packed-batch.js';

const DIM = 6;

/** What every captioner does, whatever its mapper and whether its language model is frozen. */
export function describeCaptioner(overrides: Partial<CaptionerConfig>, trained: RegExp): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'captrain-captioner-'));
  const small = { prefixLength: 3, clipLength: 2, mapperLayers: 2, mapperHeads: 4, maxCaptionTokens: 20 };
  const languageModel = path.join(folder, 'gpt2');
  const config: CaptionerConfig = {
    ...mapperConfig.parse({}),
    ...languageModelConfig.parse({ languageModel }),
    ...small,
    ...overrides,
  };
  const open: Captioner[] = [];
  const create = async (seed = 11) => {
    const captioner = await Captioner.create({ config, embeddingDim: DIM, seed });
    open.push(captioner);
    return captioner;
  };
  beforeAll(async () => {
    await startEngine({ device: 'cpu' });
    const gpt2 = writeTinyGpt2(languageModel);
    if (config.freezeLanguageModel) await teach(languageModel, gpt2);
  });
  afterEach(() => open.splice(0).forEach((captioner) => captioner.close()));
  afterAll(() => rmSync(folder, { recursive: true }));

  const embeddings = new RandomStream(2, 'embeddings').normal(3 * DIM, 1);
  const texts = ['a cat', 'two dogs run', ''];
  /** A frozen language model can only write what it knows: it learns the captions beside another mapper first. */
  const teach = async (folder: string, gpt2: Gpt2Config) => {
    const teaching = { ...config, mapper: 'mlp' as const, freezeLanguageModel: false };
    const captioner = await Captioner.create({ config: teaching, embeddingDim: DIM, seed: 99 });
    trainTo(0.05, captioner, batchOf(captioner, 0, 1));
    const values: ParameterValues = new Map();
    for (const [name, tensor] of captioner.parts.gpt2Parameters)
      values.set(name, Float32Array.from(tensor.dataSync()));
    writeModelFolder(folder, { config: gpt2, shapes: gpt2Shapes(gpt2), values });
    captioner.close();
  };
  const batchOf = (captioner: Captioner, ...indices: number[]): CaptionBatch => ({
    embeddings: Float32Array.from(indices.flatMap((i) => [...embeddings.subarray(i * DIM, (i + 1) * DIM)])),
    tokens: indices.map((i) => captioner.tokenizeCaption(texts[i]!)),
  });

  test('trains what it should, and nothing else', async () => {
    const { layout } = await create();
    for (const { name } of layout.entries) expect(name).toMatch(trained);
    expect(layout.entries.some(({ name }) => name.startsWith('clip_project.'))).toBe(true);
    expect(layout.length).toBe(layout.entries.reduce((sum, { length }) => sum + length, 0));
  });

  test('its gradient is the slope of its loss, for every parameter', async () => {
    const captioner = await create();
    const batch = batchOf(captioner, 0, 1, 2);
    const { gradients } = captioner.gradient(batch);
    const start = captioner.exportFlat();
    const lossAlong = (direction: Float32Array, offset: number, step: number) => {
      const moved = start.slice();
      direction.forEach((value, i) => (moved[offset + i]! += step * value));
      captioner.importFlat(moved);
      return captioner.loss(batch).lossSum;
    };
    for (const { name, offset, length } of captioner.layout.entries) {
      const gradient = gradients.subarray(offset, offset + length);
      const norm = Math.hypot(...gradient);
      expect(norm, name).toBeGreaterThan(0);
      const direction = gradient.map((value) => value / norm);
      const step = Math.min(5e-3, 0.05 / norm);
      const slope = (lossAlong(direction, offset, step) - lossAlong(direction, offset, -step)) / (2 * step);
      expect(Math.abs(slope - norm) / norm, `${name}: ${slope} and ${norm}`).toBeLessThan(0.02);
    }
  });

  test('sums over captions: a batch is the sum of its captions, whatever their padding', async () => {
    const captioner = await create();
    const whole = captioner.gradient(batchOf(captioner, 0, 1, 2));
    const parts = [0, 1, 2].map((index) => captioner.gradient(batchOf(captioner, index)));
    expect(whole.captionTokens).toBe(6 + 13 + 1);
    expect(parts.reduce((sum, part) => sum + part.captionTokens, 0)).toBe(whole.captionTokens);
    const lossOfParts = parts.reduce((sum, part) => sum + part.lossSum, 0);
    expect(Math.abs(whole.lossSum - lossOfParts) / whole.lossSum).toBeLessThan(1e-5);
    const sum = parts[0]!.gradients.map(
      (value, i) => value + parts[1]!.gradients[i]! + parts[2]!.gradients[i]!,
    );
    const difference = Math.hypot(...sum.map((value, i) => value - whole.gradients[i]!));
    expect(difference / Math.hypot(...whole.gradients)).toBeLessThan(1e-5);
  });

  test('no token id is special: id 0 counts in the loss like any other', async () => {
    const captioner = await create();
    const one = (tokens: number[]) =>
      captioner.loss({ embeddings: embeddings.subarray(0, DIM), tokens: [tokens] });
    expect(one([5, 0, 7]).captionTokens).toBe(3);
    expect(one([5, 0]).lossSum).toBeGreaterThan(one([5]).lossSum);
  });

  test('what is frozen has a digest, whatever the seed, and what is trained is no part of it', async () => {
    const [a, b] = [await create(), await create(12)];
    expect(a.frozenDigest()).toBe(b.frozenDigest());
    expect(a.frozenDigest() === sha256()).toBe(config.freezeLanguageModel === false);
  });

  test('the same seed and batch give the same bits, and another seed another digest', async () => {
    const [a, b, c] = [await create(), await create(), await create(12)];
    expect(a.digest()).toBe(b.digest());
    expect(a.digest()).not.toBe(c.digest());
    const [first, second] = [a, b].map((captioner) => captioner.gradient(batchOf(captioner, 0, 1, 2)));
    expect(second).toEqual(first);
    expect(a.gradient(batchOf(a, 0, 1, 2))).toEqual(first);
  });

  test('writes its gradient into the buffer it is given, and leaves no tensor behind', async () => {
    const captioner = await create();
    const optimizer = new AdamW(captioner.variables, optimizerConfig.parse({}));
    const buffer = new Float32Array(captioner.layout.length).fill(NaN);
    await expectNoLeak(() => {
      expect(captioner.gradient(batchOf(captioner, 0, 1), { into: buffer }).gradients).toBe(buffer);
      captioner.loss(batchOf(captioner, 1));
      optimizer.apply(buffer, { scale: 0.1, learningRate: 1e-3 });
      captioner.importFlat(captioner.exportFlat());
      optimizer.importState(optimizer.exportState());
      captionGreedy(captioner, embeddings, { maxTokens: 4 });
    });
    optimizer.close();
    expect(buffer.every(Number.isFinite)).toBe(true);
  });

  test('leaves no tensor behind when it is closed', () =>
    expectNoLeak(async () => {
      const captioner = await Captioner.create({ config, embeddingDim: DIM, seed: 1 });
      captioner.gradient(batchOf(captioner, 0));
      captioner.close();
    }));

  test('an imported array is copied', async () => {
    const captioner = await create();
    const flat = captioner.exportFlat();
    const digest = captioner.digest();
    captioner.importFlat(flat);
    flat.fill(0);
    expect(captioner.digest()).toBe(digest);
  });

  test('learns to recite two captions, keeps a frozen language model, and recites the same after a reload', async () => {
    const captioner = await create();
    trainTo(0.05, captioner, batchOf(captioner, 0, 1));
    const images = embeddings.subarray(0, 2 * DIM);
    expect(captionGreedy(captioner, images)).toEqual(texts.slice(0, 2));

    if (config.freezeLanguageModel) {
      const { parameters: original } = await loadGpt2(languageModel);
      for (const [name, tensor] of captioner.parts.gpt2Parameters)
        expect(tensor.dataSync(), name).toEqual(original.get(name)!.dataSync());
    }
    const file = path.join(folder, 'model.safetensors');
    writeFileSync(file, writeSafetensors(tensorsOfFlat(captioner.layout, captioner.exportFlat())));
    const again = await Captioner.load({ config, weights: file });
    open.push(again);
    expect(again.embeddingDim).toBe(DIM);
    expect(again.digest()).toBe(captioner.digest());
    expect(captionGreedy(again, images)).toEqual(texts.slice(0, 2));
  });

  test('captions of several images are those of each alone', async () => {
    const captioner = await create(3);
    const alone = [0, 1, 2].flatMap((i) =>
      captionGreedy(captioner, embeddings.subarray(i * DIM, (i + 1) * DIM)),
    );
    expect(captionGreedy(captioner, embeddings)).toEqual(alone);
  });
}

function trainTo(limit: number, captioner: Captioner, batch: CaptionBatch): void {
  const optimizer = new AdamW(captioner.variables, optimizerConfig.parse({}));
  for (let step = 0, loss = Infinity; step < 500 && loss > limit; step++) {
    const { lossSum, captionTokens, gradients } = captioner.gradient(batch);
    optimizer.apply(gradients, { scale: 1 / captionTokens, learningRate: 0.01 });
    loss = lossSum / captionTokens;
  }
  optimizer.close();
}
