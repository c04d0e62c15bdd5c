import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EmbeddingDataset, openStore } from '@captrain/data';
import { imageOrder, sampleOrder, stepPlan, totalSteps } from '@captrain/data/order';
import { CaptionTokenizer, packBatch, bucketOf } from '@captrain/model/batches';
import type { RunConfig } from '@captrain/model/run';
import { writeTinyGpt2 } from '@captrain/model/testing';
import { UserError } from '@captrain/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { configOver, writeCaptionedImages } from '../testing/captioned-images.js';
import { Feeder } from './feeder.js';

const program = new URL('../../fixtures/feeder-thread.mjs', import.meta.url);
const root = mkdtempSync(path.join(tmpdir(), 'captrain-feeder-'));
const [data, languageModel] = [path.join(root, 'data'), path.join(root, 'gpt2')];

beforeAll(async () => {
  writeTinyGpt2(languageModel);
  await writeCaptionedImages(await openStore(data), { images: 40, rowsPerShard: 7 });
});
afterAll(() => rmSync(root, { recursive: true }));

const open: Feeder[] = [];
async function openFeeder(config: RunConfig, signal?: AbortSignal): Promise<Feeder> {
  const feeder = await Feeder.open({
    config,
    expect: {},
    languageModel,
    program,
    ...(signal && { signal }),
  });
  open.push(feeder);
  return feeder;
}
afterEach(async () => {
  for (const feeder of open.splice(0)) await feeder.close();
});

/** Lets no event in for a while, as TensorFlow does while it computes. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe.each(['captions', 'images'] as const)('in the order of %s', (order) => {
  const config = configOver(data, languageModel, { order });

  test('every microbatch is what its captions make, foreseen or not', async () => {
    const dataset = await EmbeddingDataset.open(await openStore(data), 'train');
    const tokenizer = await CaptionTokenizer.load(config, languageModel);
    const firstCaption = await dataset.firstCaptions();
    const feeder = await openFeeder(config);
    expect(feeder.data).toEqual({
      dim: dataset.dim,
      captions: dataset.captions,
      dataDigest: dataset.manifest.digest,
    });
    const steps = totalSteps(dataset.captions, config);
    expect(steps).toBe(15);
    // Foreseen up to the middle; then backwards, against all that is likely.
    const inTurn = Array.from({ length: steps }, (_, i) => (i < 8 ? i : steps + 7 - i));
    for (const step of inTurn) {
      const { epoch, microbatches } = stepPlan(dataset.captions, config, step);
      const { seed } = config;
      const indices =
        order === 'images'
          ? imageOrder({ seed, epoch, firstCaption })
          : sampleOrder({ seed, epoch, count: dataset.captions });
      expect(feeder.countOf(step, 3)).toBe(microbatches.length);
      if (step < 8) feeder.expect({ step, cut: 3, microbatches: [...microbatches.keys()] });
      for (const [microbatch, { start, end }] of microbatches.entries()) {
        const { captions, ...images } = await dataset.samples(indices.subarray(start, end));
        const tokens = captions.map((caption) => tokenizer.tokensOf(caption));
        const options = { embeddingDim: dataset.dim, prefixLength: 4, bucket: bucketOf };
        expect(await feeder.microbatch({ step, cut: 3, microbatch })).toEqual({
          batch: packBatch({ ...images, tokens }, options),
          samples: indices.slice(start, end),
        });
      }
    }
  });
});

describe('while this thread stands still', () => {
  let feeder: Feeder;
  beforeAll(async () => {
    const config = configOver(data, languageModel);
    feeder = await Feeder.open({ config, expect: {}, languageModel, program });
  });
  afterAll(() => feeder.close());

  test('batches are made, and then there without a turn of the event loop', async () => {
    feeder.expect({ step: 0, cut: 3, microbatches: [0, 1, 2] });
    await feeder.microbatch({ step: 0, cut: 3, microbatch: 0 });
    standStill(300);
    let turned = false;
    setImmediate(() => (turned = true));
    const places = [
      [0, 1],
      [0, 2],
      [1, 0],
      [2, 2],
    ] as const;
    for (const [step, microbatch] of places) {
      const { batch } = await feeder.microbatch({ step, cut: 3, microbatch });
      expect([batch.captions, turned]).toEqual([4, false]);
    }
  });

  test('what was made of a lease is kept when another of the same step adds to it', async () => {
    feeder.expect({ step: 6, cut: 3, microbatches: [0] });
    await feeder.microbatch({ step: 6, cut: 3, microbatch: 0 });
    standStill(100);
    feeder.expect({ step: 6, cut: 3, microbatches: [2] });
    expect((await feeder.microbatch({ step: 6, cut: 3, microbatch: 2 })).batch.captions).toBe(4);
    expect((await feeder.microbatch({ step: 7, cut: 3, microbatch: 0 })).batch.captions).toBe(4);
    feeder.expect({ step: 8, cut: 3, microbatches: [1] });
    expect((await feeder.microbatch({ step: 8, cut: 3, microbatch: 0 })).batch.captions).toBe(4);
  });

  test('the same step in another cut has other microbatches', async () => {
    feeder.expect({ step: 9, cut: 3, microbatches: [0] });
    standStill(50);
    feeder.expect({ step: 9, cut: 6, microbatches: [0, 5] });
    expect(feeder.countOf(9, 6)).toBe(2 * feeder.countOf(9, 3));
    expect((await feeder.microbatch({ step: 9, cut: 6, microbatch: 0 })).batch.captions).toBe(2);
    expect((await feeder.microbatch({ step: 9, cut: 3, microbatch: 0 })).batch.captions).toBe(4);
  });

  test('a microbatch that the step does not have is a fault of the caller', async () => {
    await expect(feeder.microbatch({ step: 0, cut: 3, microbatch: 3 })).rejects.toThrow(
      'microbatch 3 of step 0, which has 3',
    );
  });
});

describe('what goes wrong', () => {
  test('with the data or the tokenizer is told at the start, as a UserError', async () => {
    const nothing = openFeeder(configOver(path.join(root, 'nothing'), languageModel));
    await expect(nothing).rejects.toThrow(`${root}/nothing holds no embeddings`);
    await expect(nothing).rejects.toBeInstanceOf(UserError);
    const config = configOver(data, languageModel);
    const other = Feeder.open({ config, expect: { encoder: 'RN50x4' }, languageModel, program });
    await expect(other).rejects.toThrow('the encoder random, but the run expects RN50x4');
    const without = Feeder.open({ config, expect: {}, languageModel: root, program });
    await expect(without).rejects.toBeInstanceOf(UserError);
  });

  test('with a shard is told to whoever asks for its captions, and no one else', async () => {
    const damaged = path.join(root, 'damaged');
    await writeCaptionedImages(await openStore(damaged), { images: 40, rowsPerShard: 7 });
    await truncate(path.join(damaged, 'train-00003.arrow'), 100);
    const feeder = await openFeeder(configOver(damaged, languageModel, { batchSize: 1, microbatches: 1 }));
    feeder.expect({ step: 0, cut: 1, microbatches: [0] });
    const told: unknown[] = [];
    let came = 0;
    for (let step = 0; step < 60; step++)
      await feeder.microbatch({ step, cut: 1, microbatch: 0 }).then(
        () => came++,
        (error: unknown) => told.push(error),
      );
    expect([came > 40, told.length > 5]).toEqual([true, true]);
    for (const error of told) expect(error).toBeInstanceOf(UserError);
    expect((told[0] as Error).message).toMatch(`${damaged}/train-00003.arrow is cut short`);
  });
});

describe('its end', () => {
  test('comes with the signal, whose reason those get who wait, and all who ask later', async () => {
    const controller = new AbortController();
    const feeder = await openFeeder(configOver(data, languageModel), controller.signal);
    const waiting = feeder.microbatch({ step: 0, cut: 1, microbatch: 0 });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(feeder.microbatch({ step: 0, cut: 1, microbatch: 1 })).rejects.toThrow('enough');
    await expect(openFeeder(configOver(data, languageModel), controller.signal)).rejects.toThrow('enough');
  });

  test('comes with close, and those who wait are told', async () => {
    const feeder = await openFeeder(configOver(data, languageModel));
    const waiting = expect(feeder.microbatch({ step: 0, cut: 1, microbatch: 0 })).rejects.toThrow(
      'the feeder is closed',
    );
    await feeder.close();
    await waiting;
  });

  test('comes with the end of the process, which it does not hold up', async () => {
    const fixture = new URL('../../fixtures/feeder-user.mjs', import.meta.url).pathname;
    const config = JSON.stringify(configOver(data, languageModel));
    const child = spawn(process.execPath, [fixture, config, languageModel], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said).toBe('4 captions\n');
  });
});
