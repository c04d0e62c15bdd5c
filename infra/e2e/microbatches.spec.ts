import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeTinyGpt2 } from '@captrain/model/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { metricsOf, newestCheckpoint } from '../src/testing/run-folder.js';
import { freePort, statusAt } from '../src/testing/status.js';
import { runFolder } from '../src/testing/tiny-run.js';
import { until } from '../src/testing/until.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

interface Cuts {
  batchSize: number;
  microbatches: number;
  microbatchCuts?: { step: number; microbatches: number }[];
}

const configFile = (run: string) => path.join(run, 'config.json');
const configOf = (run: string) => JSON.parse(readFileSync(configFile(run), 'utf8')) as Cuts;

/** Flags of a run of 5 steps of 24 captions, with dropout, whose masks depend on the cut. */
const flagsOf = (run: string, languageModel = inputs.languageModel) => [
  ...['--data', inputs.data, '--language-model', languageModel, '--run', run, '--batch-size', '24'],
  ...[
    '--steps',
    '5',
    '--learning-rate',
    '0.003',
    '--warmup-steps',
    '1',
    '--dropout',
    '0.1',
    '--device',
    'cpu',
  ],
];

async function train(...args: string[]): Promise<void> {
  const { code, err } = await captrain(['train', ...args]);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
}

describe('microbatches left to captrain', () => {
  test('are one a worker where there is memory, and stay as they were chosen', async () => {
    const run = runFolder(folder, 'auto');
    await train(...flagsOf(run), '--microbatches', 'auto', '--workers', '2');
    expect(configOf(run)).toMatchObject({ batchSize: 24, microbatches: 2 });
    const given = runFolder(folder, 'given');
    await train(...flagsOf(given), '--microbatches', '2');
    expect(newestCheckpoint(run)).toEqual(newestCheckpoint(given));
  });
});

test('a run whose cut changes on the way ends in the same bytes with 1 and 2 workers', async () => {
  const first = runFolder(folder, 'uncut');
  await train(...flagsOf(first), '--microbatches', '2');
  const digests = [];
  for (const workers of ['1', '2']) {
    const run = runFolder(folder, `cut-${workers}`);
    mkdirSync(run, { recursive: true });
    const config = { ...configOf(first), microbatchCuts: [{ step: 3, microbatches: 8 }] };
    writeFileSync(configFile(run), JSON.stringify(config));
    await train('--run', run, '--resume', '--workers', workers);
    digests.push(newestCheckpoint(run));
    const losses = (run: string) => metricsOf(run).map(({ loss }) => loss);
    expect(losses(run).slice(0, 2)).toEqual(losses(first).slice(0, 2));
    expect(losses(run)[2]).not.toBe(losses(first)[2]);
  }
  expect(digests[1]).toEqual(digests[0]);
  expect(digests[0]).not.toEqual(newestCheckpoint(first));
});

test(
  'a worker whose memory is too small loses no step: all go on in smaller microbatches',
  { timeout: 240_000 },
  async () => {
    const deep = path.join(folder, 'deep');
    writeTinyGpt2(deep, { n_embd: 64, n_layer: 32, n_head: 4 });
    const run = runFolder(folder, 'small-memory');
    const port = await freePort();
    const coordinator = new Program(
      'coordinator',
      [...flagsOf(run, deep), '--batch-size', '72', '--microbatches', '1', '--port', String(port)],
      { timeoutSeconds: 200 },
    );
    await until('the coordinator answers', () => statusAt(port));
    // TensorFlow's allocator then has an end, as a GPU's memory has.
    const env = { TF_MKL_ALLOC_MAX_BYTES: '200000000' };
    const worker = new Program('worker', ['--coordinator', `127.0.0.1:${port}`], {
      env,
      timeoutSeconds: 200,
    });
    const [{ code, err }, { code: workerCode }] = await Promise.all([coordinator.ended, worker.ended]);
    expect({ code, workerCode, err: code === 0 ? '' : err }).toEqual({ code: 0, workerCode: 0, err: '' });
    const { microbatches, microbatchCuts } = configOf(run);
    expect(microbatches).toBe(1);
    expect(microbatchCuts!.length).toBeGreaterThan(0);
    expect(metricsOf(run).map(({ step, captions }) => [step, captions])).toEqual(
      [1, 2, 3, 4, 5].map((step) => [step, 72]),
    );

    // What it came to is a function of its config alone.
    const again = runFolder(folder, 'enough-memory');
    mkdirSync(again, { recursive: true });
    writeFileSync(configFile(again), readFileSync(configFile(run)));
    await train('--run', again, '--resume', '--workers', '2');
    expect(newestCheckpoint(again)).toEqual(newestCheckpoint(run));
  },
);
