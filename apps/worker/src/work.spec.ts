import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore, readManifest } from '@captrain/data';
import type { RunConfig } from '@captrain/model/run';
import { writeTinyGpt2 } from '@captrain/model/testing';
import type { Computed, Holding, Ready, Subtree, Welcome } from '@captrain/protos';
import { createLogger, sha256 } from '@captrain/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configOver, writeCaptionedImages } from './testing/captioned-images.js';
import { type Joined, ScriptedCoordinator } from './testing/scripted-coordinator.js';
import { work } from './work.js';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url);
const programs = { link: fixture('link-thread.mjs'), feeder: fixture('feeder-thread.mjs') };
const root = mkdtempSync(path.join(tmpdir(), 'captrain-worker-'));
const [data, languageModel] = [path.join(root, 'data'), path.join(root, 'gpt2')];

/** Of every step. */
const LEAVES = 4;
const ALL: Subtree = { first: 0, count: 4 };
const [LEFT, RIGHT]: [Subtree, Subtree] = [
  { first: 0, count: 2 },
  { first: 2, count: 2 },
];

let config: RunConfig;
let dataDigest = '';
beforeAll(async () => {
  writeTinyGpt2(languageModel);
  await writeCaptionedImages(await openStore(data), { images: 40, rowsPerShard: 40 });
  dataDigest = (await readManifest(await openStore(data))).digest;
  config = configOver(data, languageModel, { microbatches: LEAVES, device: 'cpu', precision: 'float32' });
});
afterAll(() => rmSync(root, { recursive: true }));

interface Worker {
  joined: Joined;
  ready: Ready;
  number: number;
  ended: Promise<string>;
  leave(): void;
}

let coordinator: ScriptedCoordinator;
let generation = 0;
const living: Worker[] = [];
beforeEach(async () => {
  coordinator = await ScriptedCoordinator.listen();
});
afterEach(async () => {
  for (const { joined } of living) joined.send({ stop: { reason: 'over', final: true } });
  for (const { ended } of living.splice(0)) await ended;
  coordinator.close();
});

function welcome(worker: number, options: Partial<Welcome> = {}): Welcome {
  return {
    ...{ worker, generation, configJson: JSON.stringify(config), run: path.join(root, 'run') },
    ...{ checkpoint: '', checkpointDigests: {}, dataDigest, dim: 6, encoder: 'random' },
    ...{ leaseSeconds: 30, ledger: false, ...options },
  };
}

async function join(options: Partial<Welcome> = {}): Promise<Worker> {
  const controller = new AbortController();
  const number = living.length + 1;
  const ended = work({
    ...{ coordinator: coordinator.address, name: `worker-${number}`, peerHost: '127.0.0.1' },
    ...{ patience: 10, reconnect: 10, deviceWorkers: 1, signal: controller.signal, programs },
    log: createLogger('worker', { level: 'error' }),
  });
  ended.catch(() => undefined);
  const joined = await coordinator.joined();
  joined.send({ welcome: welcome(number, options) });
  const ready = await joined.next('ready');
  const worker = { joined, ready, number, ended, leave: () => controller.abort() };
  living.push(worker);
  return worker;
}

type Shares = readonly (readonly [Worker, ...Subtree[]])[];

/** Another worker, which never computes what the test leases to no one else. */
const ABSENT = 99;

/** Sends a plan under a new generation; with `reduce`, workers reduce their parts of the range themselves. */
function plan(step: number, shares: Shares, reduce = false): void {
  generation++;
  const total = shares[0]![0].ready.parameters;
  const contributions = shares.map(([{ number }, ...subtrees]) => ({ worker: number, subtrees }));
  const leased = contributions.flatMap(({ subtrees }) => subtrees);
  const others = [...Array(LEAVES).keys()].filter(
    (leaf) => !leased.some(({ first, count }) => leaf >= first && leaf < first + count),
  );
  if (others.length > 0)
    contributions.push({ worker: ABSENT, subtrees: others.map((first) => ({ first, count: 1 })) });
  const bound = (i: number) => Math.round((i * total) / shares.length);
  const reducers = reduce
    ? shares.map(([{ number, joined }], i) => ({
        address: `127.0.0.1:${joined.hello.peerPort}`,
        worker: number,
        ...{ first: bound(i), end: bound(i + 1) },
      }))
    : [{ address: '', worker: 0, first: 0, end: total }];
  if (!reduce) {
    const byWorker = new Map(contributions.map(({ worker, subtrees }) => [worker, subtrees]));
    const range = { leaves: LEAVES, total, first: 0, end: total, format: 'float32' as const };
    coordinator.reducer.open({ generation, step, ...range, contributions: byWorker }).catch(() => undefined);
  }
  for (const [{ joined }, ...subtrees] of shares)
    joined.send({
      plan: { generation, step, subtrees, microbatches: LEAVES, leaves: LEAVES, reducers, contributions },
    });
}

async function reports({ joined }: Worker, count: number): Promise<Computed[]> {
  const all: Computed[] = [];
  while (all.length < count) {
    const computed = await joined.next('computed');
    if (computed.generation === generation) all.push(computed);
  }
  return all;
}

/** Lets the workers apply what they have exchanged; returns their digests. */
async function update(
  step: number,
  workers: readonly Worker[],
  options: { metrics?: string; skip?: boolean } = {},
) {
  const about = { generation, step, reportDigest: true, learningRate: 0.01, captionTokens: 100, ...options };
  for (const { joined } of workers) joined.send({ update: about });
  const updated = await Promise.all(workers.map(({ joined }) => joined.next('updated')));
  return updated.map(({ digest }) => digest);
}

/** A whole step; returns the digests after it. */
async function train(step: number, shares: Shares, reduce = false): Promise<string[]> {
  plan(step, shares, reduce);
  for (const [{ joined }] of shares) expect((await joined.next('exchanged')).finite).toBe(true);
  return update(
    step,
    shares.map(([worker]) => worker),
  );
}

/** The digests after each of the first steps, of a worker that computes all alone. */
let alone: Promise<string[]> | undefined;
async function digestsAlone(): Promise<string[]> {
  return (alone ??= (async () => {
    const worker = await join();
    const digests = [worker.ready.holding!.digest];
    for (const step of [1, 2, 3]) digests.push(...(await train(step, [[worker, ALL]])));
    return digests;
  })());
}

describe('workers of a run', () => {
  test('hold the same state after every step, however a step is shared and reduced', async () => {
    const expected = await digestsAlone();
    expect(new Set(expected).size).toBe(4);
    const [a, b] = [await join(), await join()];
    expect(a.ready.holding).toEqual({ step: 0, digest: expected[0] });
    expect(
      await train(1, [
        [a, LEFT],
        [b, RIGHT],
      ]),
    ).toEqual([expected[1], expected[1]]);
    expect(
      await train(
        2,
        [
          [a, RIGHT, { first: 0, count: 1 }],
          [b, { first: 1, count: 1 }],
        ],
        true,
      ),
    ).toEqual([expected[2], expected[2]]);
    expect(await train(3, [[a], [b, ALL]], true)).toEqual([expected[3], expected[3]]);
  });

  test('compute under a new plan of the step only what they have not computed', async () => {
    const expected = await digestsAlone();
    const worker = await join({ ledger: true });
    plan(1, [[worker, LEFT, { first: 2, count: 1 }]]);
    const parts = await reports(worker, 2);
    expect(parts.map(({ computeSeconds }) => computeSeconds > 0)).toEqual([true, true]);
    const [whole] = (plan(1, [[worker, ALL]]), await reports(worker, 1));
    expect(whole!.lossSums.slice(0, 3)).toEqual(parts.flatMap(({ lossSums }) => lossSums));
    expect(whole!.samples.slice(0, 9)).toEqual(parts.flatMap(({ samples }) => samples));
    expect(new Set(whole!.samples).size).toBe(12);
    const [again] = (plan(1, [[worker, ALL]]), await reports(worker, 1));
    expect(again).toEqual({ ...whole, generation, computeSeconds: 0, inputSeconds: 0 });
    while ((await worker.joined.next('exchanged')).generation !== generation);
    expect(await update(1, [worker])).toEqual([expected[1]]);
  });

  test('change nothing by an update of another plan, or before they have exchanged', async () => {
    const expected = await digestsAlone();
    const worker = await join();
    plan(1, [[worker, ALL]]);
    await worker.joined.next('exchanged');
    const about = { step: 1, reportDigest: true, learningRate: 1, captionTokens: 1 };
    worker.joined.send({ update: { ...about, generation: generation - 1 } });
    plan(1, [[worker, LEFT]]);
    worker.joined.send({ update: { ...about, generation } });
    expect(await train(1, [[worker, ALL]])).toEqual([expected[1]]);
    expect(worker.joined.count('updated')).toBe(0);
  });

  test('count a step that is left out, and keep their weights', async () => {
    const worker = await join();
    plan(1, [[worker, ALL]]);
    const [skipped] = await update(1, [worker], { skip: true });
    expect(skipped).not.toBe(worker.ready.holding!.digest);
    worker.joined.send({ provideState: { generation, step: 1 } });
    expect((await worker.joined.next('stateProvided')).holding).toEqual({ step: 1, digest: skipped });
    const fresh = await join();
    const peer = `127.0.0.1:${worker.joined.hello.peerPort}`;
    fresh.joined.send({ fetch: { generation, peer, holding: { step: 1, digest: skipped } } });
    expect(await fresh.joined.next('holding')).toEqual({ step: 1, digest: skipped });
    // The first weights again.
    fresh.joined.send({ fetch: { generation, holding: { step: 0 } } });
    expect(await fresh.joined.next('holding')).toEqual(worker.ready.holding);
  });
});

describe('a worker', () => {
  test('takes over the state of a peer, and goes on from there', async () => {
    const expected = await digestsAlone();
    const [old, young] = [await join(), await join()];
    await train(1, [[old, ALL]]);
    old.joined.send({ provideState: { generation, step: 1 } });
    const { holding } = await old.joined.next('stateProvided');
    expect(holding).toEqual({ step: 1, digest: expected[1] });
    const peer = `127.0.0.1:${old.joined.hello.peerPort}`;
    const fetch = async (holding: Partial<Holding>) => {
      young.joined.send({ fetch: { generation, peer, holding } });
      return young.joined.next('holding');
    };
    // Not that step's, and of another content: it stays at what it holds.
    expect(await fetch({ step: 2, digest: expected[2]! })).toEqual(young.ready.holding);
    expect(await fetch({ step: 1, digest: expected[2]! })).toEqual(young.ready.holding);
    expect(await fetch(holding!)).toEqual(holding);
    expect(
      await train(2, [
        [old, LEFT],
        [young, RIGHT],
      ]),
    ).toEqual([expected[2], expected[2]]);
    expect(await fetch(holding!)).toMatchObject({ step: 2 });
  });

  test('keeps its state when the coordinator dies, and tells the next one what it heard', async () => {
    const expected = await digestsAlone();
    const worker = await join();
    plan(1, [[worker, ALL]]);
    await worker.joined.next('exchanged');
    await update(1, [worker], { metrics: '{"step":1}' });
    plan(2, [[worker, LEFT]]);
    await reports(worker, 1);
    coordinator.close();
    coordinator = await ScriptedCoordinator.listen(coordinator.port);
    worker.joined = await coordinator.joined();
    generation += 2 ** 20;
    worker.joined.send({ welcome: welcome(worker.number) });
    const ready = await worker.joined.next('ready');
    expect(ready.holding).toEqual({ step: 1, digest: expected[1] });
    expect(ready.metrics).toEqual(['{"step":1}']);
    expect(await train(2, [[worker, ALL]])).toEqual([expected[2]]);
  });

  test('does not go on under the coordinator of another run', async () => {
    const worker = await join();
    coordinator.close();
    coordinator = await ScriptedCoordinator.listen(coordinator.port);
    const again = await coordinator.joined();
    again.send({ welcome: welcome(1, { configJson: JSON.stringify({ ...config, seed: 6 }) }) });
    expect((await again.next('failed')).userError).toBe(true);
    await expect(worker.ended).rejects.toThrow('has another seed than the one that this worker was in');
    living.pop();
  });

  test('writes the checkpoint of the step it was told to, while it computes the next one', async () => {
    const expected = await digestsAlone();
    const worker = await join();
    const { joined, ready } = worker;
    await train(1, [[worker, ALL]]);
    const folder = 'checkpoints/step-00000001';
    joined.send({ writeCheckpoint: { step: 1, folder, files: ready.checkpointFiles } });
    await train(2, [[worker, ALL]]);
    const { step, files, fault, stallSeconds } = await joined.next('checkpointWritten');
    expect([step, fault, stallSeconds < 1]).toEqual([1, '', true]);
    const store = await openStore(path.join(root, 'run'));
    for (const { name, bytes, sha256: digest } of files) {
      const written = await store.get(`${folder}/${name}`);
      expect([written.length, sha256(written)]).toEqual([bytes, digest]);
    }
    const checkpointDigests = Object.fromEntries(files.map((file) => [file.name, file.sha256]));
    const holding = { step: 1, digest: expected[1] };
    joined.send({ fetch: { generation, holding, checkpoint: folder, checkpointDigests } });
    expect(await joined.next('holding')).toEqual(holding);
    const other = await join({ checkpoint: folder, checkpointDigests });
    expect(other.ready.holding).toEqual(holding);
  });

  test('that is asked to leave finishes what it is at, and goes when it is told to stop', async () => {
    const worker = await join();
    plan(1, [[worker, ALL]]);
    worker.leave();
    await worker.joined.next('drain');
    await worker.joined.next('exchanged');
    await update(1, [worker]);
    worker.joined.send({ stop: { reason: 'left as it wished', final: true } });
    expect(await worker.ended).toBe('left as it wished');
    living.pop();
  });
});
