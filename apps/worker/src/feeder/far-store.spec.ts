import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '@captrain/data';
import { type Minio, startMinio } from '@captrain/data/testing';
import { writeTinyGpt2 } from '@captrain/model/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configOver, writeCaptionedImages } from '../testing/captioned-images.js';
import { type SlowProxy, startSlowProxy } from '../testing/slow-proxy.js';
import { Feeder } from './feeder.js';

const LATENCY_MS = 50;
const STEP_MS = 300;
const STEPS = 8;
const program = new URL('../../fixtures/feeder-thread.mjs', import.meta.url);
const languageModel = mkdtempSync(path.join(tmpdir(), 'captrain-feeder-'));
const environment = { ...process.env };
let minio: Minio | undefined;
let proxy: SlowProxy | undefined;
let data = path.join(languageModel, 'data');

beforeAll(async () => {
  writeTinyGpt2(languageModel);
  minio = await startMinio();
  if (minio !== undefined) {
    Object.assign(process.env, minio.env);
    await minio.createBucket('far');
    data = 's3://far/data';
  }
  await writeCaptionedImages(await openStore(data), { images: 400, rowsPerShard: 20 });
  if (minio !== undefined) {
    proxy = await startSlowProxy(minio.endpoint, LATENCY_MS);
    process.env['AWS_ENDPOINT_URL'] = proxy.endpoint;
  }
});
afterAll(async () => {
  process.env = environment;
  await proxy?.close();
  await minio?.close();
  rmSync(languageModel, { recursive: true });
});

test('a store that answers late is waited for at most in the first steps', async () => {
  const config = configOver(data, languageModel, { batchSize: 24, microbatches: 4 });
  const feeder = await Feeder.open({ config, expect: {}, languageModel, program });
  const waits: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    feeder.expect({ step, cut: 4, microbatches: [0, 1, 2, 3] });
    for (let microbatch = 0; microbatch < 4; microbatch++) {
      const asked = performance.now();
      expect((await feeder.microbatch({ step, cut: 4, microbatch })).batch.captions).toBe(6);
      if (step >= STEPS / 2) waits.push(performance.now() - asked);
      // TensorFlow computes, and lets no event in.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS / 4);
    }
  }
  await feeder.close();
  expect(waits.toSorted((a, b) => a - b)[waits.length / 2]).toBeLessThan(2);
  // Less than one answer a step, on a machine that is busy with other things, too.
  expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan((LATENCY_MS * STEPS) / 2);
});
