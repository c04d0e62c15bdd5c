import path from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { EmbeddingDataset, openStore } from '@captrain/data';
import { validationOrder } from '@captrain/data/order';
import { ReducerConnection, reduceThrough } from '@captrain/exchange';
import { Captioner } from '@captrain/model';
import {
  type Holding,
  type StateChunk__Output,
  type Subtree,
  PeerClient,
  channelOptions,
} from '@captrain/protos';
import { sha256 } from '@captrain/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SentAway } from './sent-away.js';
import { ABSENT, ScriptedRun, type ScriptedWorker, type Shares } from './testing/scripted-run.js';

const ALL: Subtree = { first: 0, count: 4 };
const LEFT: Subtree = { first: 0, count: 2 };
const RIGHT: Subtree = { first: 2, count: 2 };

let run: ScriptedRun;
let a: ScriptedWorker;
let b: ScriptedWorker;
/** The digests of the first steps, when one worker computes all. */
const expected: string[] = [];
beforeAll(async () => {
  run = await ScriptedRun.open();
  [a, b] = [await run.join(), await run.join()];
  expected.push(a.ready.holding!.digest);
  for (const step of [1, 2, 3]) expected.push(...(await run.train(step, [[a, ALL]])));
});
afterAll(async () => {
  await run.stop(a, b);
  run.close();
});

/** Back to the first weights. */
beforeEach(async () => {
  for (const { joined } of [a, b]) {
    joined.send({ fetch: { generation: run.generation, holding: { step: 0 } } });
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
  expect(await run.train(1, halves)).toEqual([expected[1], expected[1]]);
  const unequal: Shares = [
    [a, RIGHT, { first: 0, count: 1 }],
    [b, { first: 1, count: 1 }],
  ];
  expect(await run.train(2, unequal, { among: true })).toEqual([expected[2], expected[2]]);
  expect(await run.train(3, [[a], [b, ALL]], { among: true })).toEqual([expected[3], expected[3]]);
});

describe('a worker', () => {
  test('computes under a new plan of the step only what it has not computed', async () => {
    run.plan(1, [[a, LEFT, { first: 2, count: 1 }]]);
    const parts = await run.reports(a, 2);
    expect(parts.map(({ computeSeconds }) => computeSeconds > 0)).toEqual([true, true]);
    run.plan(1, [[a, ALL]]);
    const [whole] = await run.reports(a, 1);
    expect(whole!.lossSums.slice(0, 3)).toEqual(parts.flatMap(({ lossSums }) => lossSums));
    expect(whole!.samples.slice(0, 9)).toEqual(parts.flatMap(({ samples }) => samples));
    expect(new Set(whole!.samples).size).toBe(12);
    run.plan(1, [[a, ALL]]);
    const [again] = await run.reports(a, 1);
    expect(again).toEqual({ ...whole, generation: run.generation, computeSeconds: 0, inputSeconds: 0 });
    await run.exchanged(a);
    expect(await run.update(1, [a])).toEqual([expected[1]]);
  });

  test('changes nothing by an update of another plan, or before it has exchanged', async () => {
    run.plan(1, [[a, ALL]]);
    await run.exchanged(a);
    const about = { step: 1, reportDigest: true, learningRate: 1, captionTokens: 1 };
    a.joined.send({ update: { ...about, generation: run.generation - 1 } });
    run.plan(1, [[a, LEFT]]);
    a.joined.send({ update: { ...about, generation: run.generation } });
    expect(await run.train(1, [[a, ALL]])).toEqual([expected[1]]);
    expect(a.joined.count('updated')).toBe(0);
  });

  test('takes over the state of a peer, and goes on from there', async () => {
    await run.train(1, [[a, ALL]]);
    a.joined.send({ provideState: { generation: run.generation, step: 1 } });
    const { holding } = await a.joined.next('stateProvided');
    expect(holding).toEqual({ step: 1, digest: expected[1] });
    const peer = `127.0.0.1:${a.joined.hello.peerPort}`;
    const fetch = async (wanted: Partial<Holding>) => {
      b.joined.send({ fetch: { generation: run.generation, peer, holding: wanted } });
      return b.joined.next('holding');
    };
    // Another step's, and of another content: it stays at what it holds, and says why.
    expect(await fetch({ step: 2, digest: expected[2]! })).toEqual(b.ready.holding);
    expect((await b.joined.next('stateMissed')).reason).toMatch('does not provide the state of step 2');
    expect(await fetch({ step: 1, digest: expected[2]! })).toEqual(b.ready.holding);
    expect((await b.joined.next('stateMissed')).reason).toMatch(/step 1 from .* is not the run's/);
    expect(await fetch(holding!)).toEqual(holding);
    const halves: Shares = [
      [a, LEFT],
      [b, RIGHT],
    ];
    expect(await run.train(2, halves)).toEqual([expected[2], expected[2]]);
    // It was provided until the next plan.
    expect(await fetch(holding!)).toMatchObject({ step: 2 });
  });

  test('counts a step that is left out, and keeps its weights', async () => {
    run.plan(1, [[a, ALL]]);
    const [skipped] = await run.update(1, [a], { skip: true });
    expect(skipped).not.toBe(expected[0]);
    const [after, before] = [await stateOf(a, 1), await stateOf(b, 0)];
    expect(after.map(({ values, updates }) => [values, updates])).toEqual(
      before.map(({ values }) => [values, 0]),
    );
  });

  test('writes the checkpoint of the step it was told to, while it computes the next one', async () => {
    await run.train(1, [[a, ALL]]);
    const folder = 'checkpoints/step-00000001';
    a.joined.send({ writeCheckpoint: { step: 1, folder, files: a.ready.checkpointFiles } });
    await run.train(2, [[a, ALL]]);
    const { step, files, fault, stallSeconds } = await a.joined.next('checkpointWritten');
    expect([step, fault, stallSeconds < 1]).toEqual([1, '', true]);
    const store = await openStore(path.join(run.folder, 'run'));
    for (const { name, bytes, sha256: digest } of files) {
      const written = await store.get(`${folder}/${name}`);
      expect([written.length, sha256(written)]).toEqual([bytes, digest]);
    }
    const checkpointDigests = Object.fromEntries(files.map((file) => [file.name, file.sha256]));
    const holding = { step: 1, digest: expected[1] };
    a.joined.send({ fetch: { generation: run.generation, holding, checkpoint: folder, checkpointDigests } });
    expect(await a.joined.next('holding')).toEqual(holding);
    const other = await run.join({ checkpoint: folder, checkpointDigests });
    expect(other.ready.holding).toEqual(holding);
    await run.stop(other);
  });

  test('validates by the state that it holds, as the model itself does, and as any other worker', async () => {
    await run.train(1, [
      [a, LEFT],
      [b, RIGHT],
    ]);
    const validate = async ({ joined }: ScriptedWorker, step: number, first: number, end: number) => {
      const { generation } = run;
      joined.send({ validate: { generation, step, split: 'val', captions: 10, first, end } });
      const validated = await joined.next('validated');
      expect(validated).toMatchObject({ generation, step, first });
      return validated;
    };
    const trained = await validate(a, 1, 2, 5);
    expect(await validate(b, 1, 2, 5)).toEqual(trained);
    // Training goes on as if nothing had been.
    expect(await run.train(2, [[a, ALL]])).toEqual([expected[2]]);

    a.joined.send({ fetch: { generation: run.generation, holding: { step: 0 } } });
    await a.joined.next('holding');
    const first = await validate(a, 0, 2, 5);
    const { config } = run;
    const model = await Captioner.create({ config, embeddingDim: 6, seed: config.seed });
    const dataset = await EmbeddingDataset.open(await openStore(config.data), 'val');
    expect(dataset.captions).toBeGreaterThan(10);
    const chosen = validationOrder(dataset.captions, 10);
    const { captions, embeddings, images } = await dataset.samples(chosen.slice(2, 5));
    const tokens = captions.map((caption) => model.tokenizeCaption(caption));
    const { lossSum, captionTokens } = model.loss({ embeddings, images, tokens });
    expect([first.lossSum, first.captionTokens]).toEqual([lossSum, captionTokens]);
    expect(first.lossSum).not.toBe(trained.lossSum);
    model.close();
  });

  test('that cannot load a checkpoint stays at what it holds, and says why', async () => {
    const named = {
      checkpoint: 'checkpoints/step-00000009',
      checkpointDigests: { 'model.safetensors': '0' },
    };
    const missed = { checkpoint: named.checkpoint, reason: expect.stringContaining('is missing') };
    b.joined.send({ fetch: { generation: run.generation, holding: { step: 9 }, ...named } });
    expect(await b.joined.next('holding')).toEqual(b.ready.holding);
    expect(await b.joined.next('stateMissed')).toEqual(missed);
    const other = await run.join(named);
    expect(other.ready.holding).toEqual(b.ready.holding);
    expect(await other.joined.next('stateMissed')).toEqual(missed);
    await run.stop(other);
  });

  test('that is sent away for what it did ends with a failure', async () => {
    const other = await run.join();
    other.joined.send({ stop: { reason: 'too much was refused', final: true, fault: true } });
    await expect(other.ended).rejects.toThrow(new SentAway('too much was refused'));
  });

  test('refuses the part of another that is not finite, and says so', async () => {
    run.plan(1, [[a, LEFT]], { among: true });
    const total = a.ready.parameters;
    const values = new Float32Array(total).fill(NaN);
    const connection = new ReducerConnection(`127.0.0.1:${a.joined.hello.peerPort}`, 'Peer');
    const refused = reduceThrough(connection, {
      ...{ generation: run.generation, step: 1, worker: ABSENT, leaves: 4, first: 0, end: total, total },
      ...{ format: 'float32', result: values.slice(), signal: AbortSignal.timeout(10_000) },
      sums: [2, 3].map((first) => ({ subtree: { first, count: 1 }, values })),
    });
    await expect(refused).rejects.toThrow('is refused');
    const about = { generation: run.generation, step: 1, worker: ABSENT, kind: 'nonFinite' };
    expect(await a.joined.next('partRefused')).toMatchObject(about);
    connection.close();
    expect(await run.train(1, [[a, ALL]])).toEqual([expected[1]]);
  });

  test('that is asked to leave finishes what it is at, and goes when it is told to stop', async () => {
    const leaving = await run.join();
    run.plan(1, [[leaving, ALL]]);
    leaving.leave();
    await leaving.joined.next('drain');
    await run.exchanged(leaving);
    expect(await run.update(1, [leaving])).toEqual([expected[1]]);
    await run.stop(leaving);
  });
});

test('when the coordinator dies a worker keeps its state for the next one, unless that leads another run', async () => {
  const other = await ScriptedRun.open();
  const worker = await other.join();
  const { holding } = worker.ready;
  other.plan(1, [[worker, ALL]]);
  await other.exchanged(worker);
  const [digest] = await other.update(1, [worker], { metrics: '{"step":1}' });
  other.plan(2, [[worker, LEFT]]);
  await other.reports(worker, 1);
  await other.replaceCoordinator();
  worker.joined = await other.coordinator.joined();
  worker.joined.send({ welcome: other.welcome(worker.number) });
  const ready = await worker.joined.next('ready');
  expect(ready).toMatchObject({ holding: { step: 1, digest }, metrics: ['{"step":1}'] });
  expect(await other.train(2, [[worker, ALL]])).toEqual([expected[2]]);
  expect([holding!.digest, digest]).toEqual(expected.slice(0, 2));
  await other.replaceCoordinator();
  const joined = await other.coordinator.joined();
  const configJson = JSON.stringify({ ...other.config, seed: 6 });
  joined.send({ welcome: other.welcome(worker.number, { configJson }) });
  expect((await joined.next('failed')).userError).toBe(true);
  await expect(worker.ended).rejects.toThrow('has another seed than the one that this worker was in');
  other.close();
});

/** What a worker provides of the state that it holds. */
async function stateOf({ joined }: ScriptedWorker, step: number): Promise<StateChunk__Output[]> {
  joined.send({ provideState: { generation: run.generation, step } });
  await joined.next('stateProvided');
  const peer = `127.0.0.1:${joined.hello.peerPort}`;
  const client = new PeerClient(peer, credentials.createInsecure(), channelOptions);
  const chunks: StateChunk__Output[] = [];
  for await (const chunk of client.fetchState({ step }) as AsyncIterable<StateChunk__Output>)
    chunks.push(chunk);
  client.close();
  return chunks;
}
