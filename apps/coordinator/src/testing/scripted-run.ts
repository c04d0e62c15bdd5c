import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { manifestOf, openStore } from '@captrain/data/store';
import { coordinatorConfig } from '@captrain/model/run';
import { createLogger } from '@captrain/runtime';
import { afterEach, beforeEach } from 'vitest';
import { coordinate } from '../coordinate.js';
import { treeSum } from './leaf-gradients.js';
import type { Script } from './script.js';
import { ScriptedWorker } from './scripted-worker.js';

/** The folder of the present test: `data` and `run` lie in it. */
export let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'captrain-coordinator-'));
  const contract = {
    encoder: 'clip',
    encoderRevision: 'sha256:0',
    dim: 4,
    dtype: 'float32' as const,
    normalized: true,
    preprocessing: '',
    software: 'test',
  };
  const shard = (split: string, captions: number) => ({
    path: `${split}-00000.arrow`,
    split,
    rows: 4,
    captions,
    bytes: 9,
    sha256: '0'.repeat(64),
  });
  const store = await openStore(path.join(folder, 'data'));
  await store.put(
    'manifest.json',
    JSON.stringify(manifestOf(contract, [shard('train', 16), shard('val', 7)])),
  );
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A run of 4 steps of 8 captions in 4 microbatches, with scripted workers; `late` ones come when `join` is called. */
export async function run(
  scripts: Script[],
  options: Record<string, unknown> = {},
  { controller = new AbortController(), late = [] as Script[] } = {},
) {
  const given: Record<string, unknown> = {
    run: path.join(folder, 'run'),
    port: 0,
    workers: scripts.length,
    workerPatience: 0,
    ...options,
  };
  if (!given['resume']) {
    const languageModel = path.join(folder, 'gpt2');
    const fresh = { data: path.join(folder, 'data'), languageModel, batchSize: 8, microbatches: 4 };
    Object.assign(given, { ...fresh, epochs: 2, warmupSteps: 0, ...options });
  }
  const workers: ScriptedWorker[] = [];
  const ends: Promise<string | undefined>[] = [];
  let finished: string | undefined;
  let address = '';
  const start = (script: Script) => {
    const worker = new ScriptedWorker(address, script);
    workers.push(worker);
    ends.push(worker.work());
  };
  for (const script of scripts) {
    const { onUpdate } = script;
    script.onUpdate = (step) => {
      onUpdate?.(step);
      late.filter((joiner) => joiner.joinsAfterStep === step).forEach(start);
      late = late.filter((joiner) => joiner.joinsAfterStep !== step);
    };
  }
  await coordinate(coordinatorConfig.parse(given), {
    givenKeys: new Set(Object.keys(given)),
    signal: controller.signal,
    log: createLogger('coordinator', { level: process.env['DEBUG_LOG'] ? 'debug' : 'silent' }),
    announce: (announcement) => {
      if ('finished' in announcement) return void (finished = announcement.finished);
      address = announcement.listening;
      scripts.forEach(start);
    },
  });
  return { workers, finished, reasons: await Promise.all(ends) };
}

export const linesOf = (name: string) =>
  readFileSync(path.join(folder, 'run', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

export const metrics = () =>
  linesOf('metrics.jsonl') as { step: number; loss: number; lr: number; tokens: number; workers: number }[];

export const latest = () => readFileSync(path.join(folder, 'run/checkpoints/LATEST'), 'utf8').split('\n')[0]!;

export const wholeSums = [1, 2, 3, 4].map((step) => treeSum(step, 0, 4, 4));
export const sumsOf = (worker: ScriptedWorker | undefined) =>
  [1, 2, 3, 4].map((step) => worker?.gradients.get(step));
