import { status } from '@grpc/grpc-js';
import { CHUNK_VALUES, type ChunkMessage } from '@captrain/protos';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reduceThrough } from './reduce-through.js';
import type { ReducerConnection } from './reducer-connection.js';
import type { Reduction } from './reduction.js';
import { shareMicrobatches } from './subtree.js';
import { leaf, plainSum, sumsOf } from './testing/gradients.js';
import { chunkOf, garbage, sayHello } from './testing/raw-worker.js';
import { type ReducingProcess, startReducing } from './testing/reducing-process.js';

/** One chunk and a little. */
const TOTAL = CHUNK_VALUES + 10;
const leaves = [leaf(0, TOTAL), leaf(1, TOTAL)];
const shares = shareMicrobatches(2, 2);
const plan: Reduction = {
  generation: 7,
  step: 3,
  leaves: 2,
  total: TOTAL,
  first: 0,
  end: TOTAL,
  format: 'float32',
  contributions: new Map(shares.map((subtrees, worker) => [worker, subtrees])),
};
const sum = plainSum(leaves, shares.flat(), 'float32');

let reducing: ReducingProcess;
let connections: ReducerConnection[];
beforeEach(async () => {
  reducing = await startReducing(1000);
  connections = [reducing.connect(), reducing.connect()];
});
afterEach(() => reducing.close());

/** A worker that does all as it should. */
async function honest(worker: number, of = plan, options: { signal?: AbortSignal } = {}): Promise<void> {
  const { generation, step, leaves: count, total, first, end, format } = of;
  const result = new Float32Array(total);
  const sums = sumsOf(leaves, of.contributions.get(worker)!);
  const signal = options.signal ?? new AbortController().signal;
  const part = { generation, step, worker, leaves: count, total, first, end, format, sums, result, signal };
  await reduceThrough(connections[worker]!, part);
  expect(Buffer.compare(Buffer.from(result.buffer), Buffer.from(sum.buffer))).toBe(0);
}

const failed = (details: string | RegExp) => ({
  code: status.FAILED_PRECONDITION,
  details: expect.stringMatching(details) as string,
});
const own = { firstMicrobatch: 1, microbatches: 1, total: TOTAL };
const firstValues = leaves[1]!.subarray(0, CHUNK_VALUES);
const first = (header: Parameters<typeof chunkOf>[1] = {}) => chunkOf(firstValues, { ...own, ...header });
const withNaN = firstValues.slice();
withNaN[77] = NaN;

describe('a reducer refuses', () => {
  it.each<[string, ChunkMessage[], string, string]>([
    [
      'values that are not finite',
      [chunkOf(withNaN, own)],
      'nonFinite',
      `the sum of microbatch 1 has values that are not finite, between positions 0 and ${CHUNK_VALUES - 1}`,
    ],
    [
      'values that are not those of the checksum',
      [first({ checksum: 1 })],
      'checksum',
      'the sum of microbatch 1 does not have the checksum that came with it',
    ],
    [
      'fewer values than are due',
      [chunkOf(firstValues.subarray(1), own)],
      'malformed',
      `a chunk has ${4 * CHUNK_VALUES - 4} bytes of values instead of ${4 * CHUNK_VALUES}`,
    ],
    [
      'a chunk of another generation',
      [first({ generation: 6 })],
      'malformed',
      'a chunk is of step 3 in generation 6 where step 3 of generation 7 was due',
    ],
    [
      'a chunk of another step',
      [first({ step: 4 })],
      'malformed',
      'a chunk is of step 4 in generation 7 where step 3 of generation 7 was due',
    ],
    ['a chunk of another worker', [first({ worker: 0 })], 'malformed', 'a chunk is of worker 0'],
    [
      'a chunk of another subtree',
      [first({ firstMicrobatch: 0, microbatches: 2 })],
      'malformed',
      'a chunk is of microbatches 0 to 1 where the sum of microbatch 1 was due',
    ],
    [
      'a chunk that came before',
      [first(), first()],
      'malformed',
      `a chunk begins at position 0 where ${CHUNK_VALUES} was due`,
    ],
    [
      'a gradient of other parameters',
      [first({ total: TOTAL - 1 })],
      'malformed',
      `a chunk is of a gradient of ${TOTAL - 1} values instead of ${TOTAL}`,
    ],
    [
      'another format',
      [first({ format: 'bfloat16' })],
      'malformed',
      "a chunk's values are bfloat16 instead of float32",
    ],
    ['bytes that are no chunk', [garbage()], 'malformed', 'a chunk is of step 0 in generation 0'],
  ])('%s, and begins anew when told', async (_, messages, kind, reason) => {
    void reducing.reducer.open(plan);
    const other = honest(0);
    const stopped = expect(other).rejects.toMatchObject(failed('Step 3 of generation 8 is summed now.'));
    const [sending, receiving] = [connections[1]!.call('send'), connections[1]!.call('receive')];
    sayHello(sending);
    sayHello(receiving, { receives: true });
    for (const message of messages) void sending.send(message);
    const sentence = `The gradient of worker 1 is refused: ${reason}`;
    await expect(sending.ended).rejects.toMatchObject(failed(sentence));
    await expect(receiving.ended).rejects.toMatchObject(failed(sentence));
    expect(reducing.refused).toEqual([[1, expect.stringContaining(sentence) as string, kind]]);

    const next = { ...plan, generation: 8 };
    void reducing.reducer.open(next);
    await Promise.all([stopped, honest(0, next), honest(1, next)]);
  });

  it('a call that ends early', async () => {
    void reducing.reducer.open(plan);
    honest(0).catch(() => {});
    const [sending, receiving] = [connections[1]!.call('send'), connections[1]!.call('receive')];
    sayHello(sending);
    sayHello(receiving, { receives: true });
    void sending.send(first());
    sending.finishSending();
    await expect(sending.ended).rejects.toMatchObject(
      failed(`it ended where the values from position ${CHUNK_VALUES} on were due`),
    );
  });

  it.each([
    [
      'an older generation',
      { generation: 6 },
      'it is of step 3 in generation 6, while step 3 of generation 7',
    ],
    ['an older step', { step: 2 }, 'it is of step 2 in generation 7, while step 3 of generation 7'],
    ['a newer step that never comes', { step: 4 }, 'it is of step 4 in generation 7, while step 3'],
    ['a worker without a part', { worker: 5 }, 'it has no part in the sum of step 3 in generation 7'],
  ])('a call for %s, which changes nothing', async (_, header, reason) => {
    const worker = 'worker' in header ? header.worker : 1;
    const finished = reducing.reducer.open(plan);
    const call = connections[1]!.call('send');
    sayHello(call, header);
    void call.send(first());
    await expect(call.ended).rejects.toMatchObject(failed(reason));
    expect(reducing.refused).toEqual([[worker, expect.stringContaining(reason), 'stale']]);
    await Promise.all([honest(0), honest(1)]);
    expect(await finished).toMatchObject({ finite: true });
  });

  it('a second call of a worker, which changes nothing', async () => {
    void reducing.reducer.open(plan);
    const one = honest(1);
    await expect.poll(() => reducing.reducer.awaited).toEqual([0]);
    const again = connections[1]!.call('send');
    sayHello(again);
    await expect(again.ended).rejects.toMatchObject(
      failed('it has called for the sum of step 3 in generation 7'),
    );
    await Promise.all([one, honest(0)]);
  });
});

describe('a reducer', () => {
  it('lets calls wait that come before their plan', async () => {
    const both = [honest(0), honest(1)];
    await new Promise((resolve) => setTimeout(resolve, 100));
    void reducing.reducer.open(plan);
    await Promise.all(both);
  });

  it('names the workers that it waits for', async () => {
    void reducing.reducer.open(plan);
    expect(reducing.reducer.awaited).toEqual([0, 1]);
    const zero = honest(0);
    await expect.poll(() => reducing.reducer.awaited).toEqual([1]);
    await Promise.all([zero, honest(1)]);
    await expect.poll(() => reducing.reducer.awaited).toEqual([]);
  });

  it('ends its calls with the sentence that it is closed with', async () => {
    const finished = reducing.reducer.open(plan);
    const zero = honest(0);
    await expect.poll(() => reducing.reducer.awaited).toEqual([1]);
    reducing.reducer.close('Worker 1 has left.');
    await expect(zero).rejects.toMatchObject(failed('Worker 1 has left.'));
    await expect(finished).rejects.toThrow('Worker 1 has left.');
  });

  it('opens no plan that leaves out a microbatch', () => {
    const contributions = new Map([[0, shares[0]!]]);
    expect(() => reducing.reducer.open({ ...plan, contributions })).toThrow(
      'no subtree covers microbatch 1 of 2',
    );
  });
});

describe('a worker', () => {
  it('breaks off when its signal is aborted, with the reason of it', async () => {
    void reducing.reducer.open(plan);
    const life = new AbortController();
    const zero = honest(0, plan, { signal: life.signal });
    await expect.poll(() => reducing.reducer.awaited).toEqual([1]);
    life.abort(new Error('a new plan'));
    await expect(zero).rejects.toThrow('a new plan');
    await expect(honest(0, plan, { signal: life.signal })).rejects.toThrow('a new plan');
  });

  it('reaches a reducer that was started again', async () => {
    void reducing.reducer.open(plan);
    const zero = honest(0);
    await expect.poll(() => reducing.reducer.awaited).toEqual([1]);
    reducing.stop();
    await expect(zero).rejects.toMatchObject({ code: status.UNAVAILABLE });

    const again = await startReducing(1000, reducing.port);
    void again.reducer.open(plan);
    await Promise.all([honest(0), honest(1)]);
    again.close();
  });

  it('says so where there is no reducer', async () => {
    reducing.close();
    await expect(honest(0)).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });
});
