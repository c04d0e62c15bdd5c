import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { openStore, readManifest } from '@captrain/data';
import type { RunConfig } from '@captrain/model/run';
import { writeTinyGpt2 } from '@captrain/model/testing';
import {
  type Computed,
  type Holding,
  type Ready,
  type StateChunk__Output,
  type Subtree,
  type Welcome,
  PeerClient,
  channelOptions,
} from '@captrain/protos';
import { createLogger, sha256 } from '@captrain/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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

let generation = 0;
let workers = 0;

function welcome(worker: number, options: Partial<Welcome> = {}): Welcome {
  return {
    ...{ worker, generation, configJson: JSON.stringify(config), run: path.join(root, 'run') },
    ...{ checkpoint: '', checkpointDigests: {}, dataDigest, dim: 6, encoder: 'random' },
    ...{ leaseSeconds: 30, ledger: true, ...options },
  };
}

async function join(coordinator: ScriptedCoordinator, options: Partial<Welcome> = {}): Promise<Worker> {
  const controller = new AbortController();
  const number = ++workers;
  const ended = work({
    ...{ coordinator: coordinator.address, name: `worker-${number}`, peerHost: '127.0.0.1' },
    ...{ patience: 10, reconnect: 10, deviceWorkers: 1, signal: controller.signal, programs },
    log: createLogger('worker', { level: 'error' }),
  });
  ended.catch(() => undefined);
  const joined = await coordinator.joined();
  joined.send({ welcome: welcome(number, options) });
  const ready = await joined.next('ready');
  return { joined, ready, number, ended, leave: () => controller.abort() };
}

async function stop(...stopped: Worker[]): Promise<void> {
  for (const { joined } of stopped) joined.send({ stop: { reason: 'over', final: true } });
  for (const { ended } of stopped) expect(await ended).toBe('over');
}

type Shares = readonly (readonly [Worker, ...Subtree[]])[];

/** Another worker, which never computes what the test leases to no one else. */
const ABSENT = 99;

/** Sends a plan under a new generation; `among`: the workers reduce it themselves. */
function plan(step: number, shares: Shares, { among = false } = {}): void {
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
  const reducers = among
    ? shares.map(([{ number, joined }], i) => ({
        address: `127.0.0.1:${joined.hello.peerPort}`,
        worker: number,
        ...{ first: bound(i), end: bound(i + 1) },
      }))
    : [{ address: '', worker: 0, first: 0, end: total }];
  if (!among) {
    const byWorker = new Map(contributions.map(({ worker, subtrees }) => [worker, subtrees]));
    const range = { leaves: LEAVES, total, first: 0, end: total, format: 'float32' as const };
    void coordinator.reducer
      .open({ generation, step, ...range, contributions: byWorker })
      .catch(() => undefined);
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
async function train(step: number, shares: Shares, options = {}): Promise<string[]> {
  plan(step, shares, options);
  for (const [{ joined }] of shares) expect((await joined.next('exchanged')).finite).toBe(true);
  return update(
    step,
    shares.map(([worker]) => worker),
  );
}

let coordinator: ScriptedCoordinator;
let a: Worker;
let b: Worker;
/** The digests of the first steps, when one worker computes all. */
const expected: string[] = [];
beforeAll(async () => {
  coordinator = await ScriptedCoordinator.listen();
  [a, b] = [await join(coordinator), await join(coordinator)];
  expected.push(a.ready.holding!.digest);
  for (const step of [1, 2, 3]) expected.push(...(await train(step, [[a, ALL]])));
});
afterAll(async () => {
  await stop(a, b);
  coordinator.close();
});

/** Back to the first weights. */
beforeEach(async () => {
  for (const { joined } of [a, b]) {
    joined.send({ fetch: { generation, holding: { step: 0 } } });
    expect(await joined.next('holding')).toEqual({ step: 0, digest: expected[0] });
    joined.messages.length = 0;
  }
});

test('workers hold the same state after every step, however a step is shared and reduced', async () => {
  expect(new Set(expected).size).toBe(4);
  expect(b.ready.holding).toEqual({ step: 0, digest: expected[0] });
  const halves: Shares = [
    [a, LEFT],
    [b, RIGHT],
  ];
  expect(await train(1, halves)).toEqual([expected[1], expected[1]]);
  const unequal: Shares = [
    [a, RIGHT, { first: 0, count: 1 }],
    [b, { first: 1, count: 1 }],
  ];
  expect(await train(2, unequal, { among: true })).toEqual([expected[2], expected[2]]);
  expect(await train(3, [[a], [b, ALL]], { among: true })).toEqual([expected[3], expected[3]]);
});

describe('a worker', () => {
  test('computes under a new plan of the step only what it has not computed', async () => {
    plan(1, [[a, LEFT, { first: 2, count: 1 }]]);
    const parts = await reports(a, 2);
    expect(parts.map(({ computeSeconds }) => computeSeconds > 0)).toEqual([true, true]);
    plan(1, [[a, ALL]]);
    const [whole] = await reports(a, 1);
    expect(whole!.lossSums.slice(0, 3)).toEqual(parts.flatMap(({ lossSums }) => lossSums));
    expect(whole!.samples.slice(0, 9)).toEqual(parts.flatMap(({ samples }) => samples));
    expect(new Set(whole!.samples).size).toBe(12);
    plan(1, [[a, ALL]]);
    const [again] = await reports(a, 1);
    expect(again).toEqual({ ...whole, generation, computeSeconds: 0, inputSeconds: 0 });
    while ((await a.joined.next('exchanged')).generation !== generation);
    expect(await update(1, [a])).toEqual([expected[1]]);
  });

  test('changes nothing by an update of another plan, or before it has exchanged', async () => {
    plan(1, [[a, ALL]]);
    await a.joined.next('exchanged');
    const about = { step: 1, reportDigest: true, learningRate: 1, captionTokens: 1 };
    a.joined.send({ update: { ...about, generation: generation - 1 } });
    plan(1, [[a, LEFT]]);
    a.joined.send({ update: { ...about, generation } });
    expect(await train(1, [[a, ALL]])).toEqual([expected[1]]);
    expect(a.joined.count('updated')).toBe(0);
  });

  test('takes over the state of a peer, and goes on from there', async () => {
    await train(1, [[a, ALL]]);
    a.joined.send({ provideState: { generation, step: 1 } });
    const { holding } = await a.joined.next('stateProvided');
    expect(holding).toEqual({ step: 1, digest: expected[1] });
    const peer = `127.0.0.1:${a.joined.hello.peerPort}`;
    const fetch = async (wanted: Partial<Holding>) => {
      b.joined.send({ fetch: { generation, peer, holding: wanted } });
      return b.joined.next('holding');
    };
    // Another step's, and of another content: it stays at what it holds.
    expect(await fetch({ step: 2, digest: expected[2]! })).toEqual(b.ready.holding);
    expect(await fetch({ step: 1, digest: expected[2]! })).toEqual(b.ready.holding);
    expect(await fetch(holding!)).toEqual(holding);
    const halves: Shares = [
      [a, LEFT],
      [b, RIGHT],
    ];
    expect(await train(2, halves)).toEqual([expected[2], expected[2]]);
    // It was provided until the next plan.
    expect(await fetch(holding!)).toMatchObject({ step: 2 });
  });

  test('counts a step that is left out, and keeps its weights', async () => {
    plan(1, [[a, ALL]]);
    const [skipped] = await update(1, [a], { skip: true });
    expect(skipped).not.toBe(expected[0]);
    const [after, before] = [await stateOf(a, 1), await stateOf(b, 0)];
    expect(after.map(({ values, updates }) => [values, updates])).toEqual(
      before.map(({ values }) => [values, 0]),
    );
  });

  test('writes the checkpoint of the step it was told to, while it computes the next one', async () => {
    await train(1, [[a, ALL]]);
    const folder = 'checkpoints/step-00000001';
    a.joined.send({ writeCheckpoint: { step: 1, folder, files: a.ready.checkpointFiles } });
    await train(2, [[a, ALL]]);
    const { step, files, fault, stallSeconds } = await a.joined.next('checkpointWritten');
    expect([step, fault, stallSeconds < 1]).toEqual([1, '', true]);
    const store = await openStore(path.join(root, 'run'));
    for (const { name, bytes, sha256: digest } of files) {
      const written = await store.get(`${folder}/${name}`);
      expect([written.length, sha256(written)]).toEqual([bytes, digest]);
    }
    const checkpointDigests = Object.fromEntries(files.map((file) => [file.name, file.sha256]));
    const holding = { step: 1, digest: expected[1] };
    a.joined.send({ fetch: { generation, holding, checkpoint: folder, checkpointDigests } });
    expect(await a.joined.next('holding')).toEqual(holding);
    const other = await join(coordinator, { checkpoint: folder, checkpointDigests });
    expect(other.ready.holding).toEqual(holding);
    await stop(other);
  });

  test('that is asked to leave finishes what it is at, and goes when it is told to stop', async () => {
    const leaving = await join(coordinator);
    plan(1, [[leaving, ALL]]);
    leaving.leave();
    await leaving.joined.next('drain');
    await leaving.joined.next('exchanged');
    expect(await update(1, [leaving])).toEqual([expected[1]]);
    await stop(leaving);
  });
});

describe('when the coordinator dies', () => {
  test('a worker keeps its state and tells the next one what it heard, but not the one of another run', async () => {
    const first = await ScriptedCoordinator.listen();
    const worker = await join(first);
    const before = coordinator;
    coordinator = first;
    plan(1, [[worker, ALL]]);
    await worker.joined.next('exchanged');
    await update(1, [worker], { metrics: '{"step":1}' });
    plan(2, [[worker, LEFT]]);
    await reports(worker, 1);
    first.close();
    coordinator = await ScriptedCoordinator.listen(first.port);
    worker.joined = await coordinator.joined();
    generation += 2 ** 20;
    worker.joined.send({ welcome: welcome(worker.number) });
    const ready = await worker.joined.next('ready');
    expect(ready.holding).toEqual({ step: 1, digest: expected[1] });
    expect(ready.metrics).toEqual(['{"step":1}']);
    expect(await train(2, [[worker, ALL]])).toEqual([expected[2]]);
    coordinator.close();
    const other = await ScriptedCoordinator.listen(first.port);
    const joined = await other.joined();
    joined.send({ welcome: welcome(1, { configJson: JSON.stringify({ ...config, seed: 6 }) }) });
    expect((await joined.next('failed')).userError).toBe(true);
    await expect(worker.ended).rejects.toThrow('has another seed than the one that this worker was in');
    other.close();
    coordinator = before;
  });
});

/** What a worker provides of the state that it holds. */
async function stateOf({ joined }: Worker, step: number): Promise<StateChunk__Output[]> {
  joined.send({ provideState: { generation, step } });
  await joined.next('stateProvided');
  const peer = `127.0.0.1:${joined.hello.peerPort}`;
  const client = new PeerClient(peer, credentials.createInsecure(), channelOptions);
  const chunks: StateChunk__Output[] = [];
  for await (const chunk of client.fetchState({ step }) as AsyncIterable<StateChunk__Output>)
    chunks.push(chunk);
  client.close();
  return chunks;
}
