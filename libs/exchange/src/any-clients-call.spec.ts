import { type ClientDuplexStream, credentials, status } from '@grpc/grpc-js';
import {
  FRAME_PREFIX_BYTES,
  type GradientChunk,
  PeerClient,
  channelOptions,
  decodeGradientChunk,
} from '@captrain/protos';
import { afterEach, describe, expect, it } from 'vitest';
import { chunkRanges } from './chunk-range.js';
import { reduceThrough } from './reduce-through.js';
import type { Reduction } from './reduction.js';
import { shareMicrobatches } from './subtree.js';
import { leaf, plainSum, sumsOf } from './testing/gradients.js';
import { chunkOf } from './testing/raw-worker.js';
import { type ReducingProcess, startReducing } from './testing/reducing-process.js';

/** Two chunks and a little. */
const TOTAL = 2 * 1024 * 1024 + 10;
const leaves = [leaf(0, TOTAL), leaf(1, TOTAL)];
const shares = shareMicrobatches(2, 2);
const contributions = new Map(shares.map((subtrees, worker) => [worker, subtrees]));
const base = {
  generation: 7,
  step: 3,
  leaves: 2,
  total: TOTAL,
  first: 0,
  end: TOTAL,
  format: 'float32',
} as const;
const plan: Reduction = { ...base, contributions };
const sum = plainSum(leaves, shares.flat(), 'float32');

let reducing: ReducingProcess;
let close = () => {};
afterEach(() => {
  close();
  reducing.close();
});

/** A worker of captrain's. */
async function worker0(): Promise<Float32Array> {
  const [result, signal] = [new Float32Array(TOTAL), new AbortController().signal];
  const part = { ...base, worker: 0, sums: sumsOf(leaves, shares[0]!), result, signal };
  await reduceThrough(reducing.connect(), part);
  return result;
}

/** Calls of a client that grpc-js makes of the .proto files. */
function plainCalls(): Record<'send' | 'receive', ClientDuplexStream<GradientChunk, GradientChunk>> {
  const client = new PeerClient(`127.0.0.1:${reducing.port}`, credentials.createInsecure(), channelOptions);
  close = () => client.close();
  const call = () => {
    const stream = client.reduce() as unknown as ClientDuplexStream<GradientChunk, GradientChunk>;
    // It ends with the client.
    return stream.on('error', () => {});
  };
  return { send: call(), receive: call() };
}

function chunk(...of: Parameters<typeof chunkOf>): GradientChunk {
  const { header, values } = chunkOf(...of);
  return decodeGradientChunk(Buffer.concat([header.subarray(FRAME_PREFIX_BYTES), values]));
}

describe('a reducer', () => {
  it('sums with workers what any gRPC client sends, and sends it the sum', async () => {
    reducing = await startReducing();
    void reducing.reducer.open(plan);
    const whole = worker0();
    const { send, receive } = plainCalls();
    send.write(chunk(new Float32Array(), {}));
    send.resume();
    receive.write(chunk(new Float32Array(), { receives: true }));
    receive.end();
    for (const { first, end } of chunkRanges(plan)) {
      const place = { firstMicrobatch: 1, microbatches: 1, offset: first, total: TOTAL };
      send.write(chunk(leaves[1]!.subarray(first, end), place));
    }
    send.end();
    const received: Uint8Array[] = [];
    for await (const { values } of receive as AsyncIterable<GradientChunk>) received.push(values);
    expect(Buffer.compare(Buffer.concat(received), Buffer.from(sum.buffer))).toBe(0);
    expect(Buffer.compare(Buffer.from((await whole).buffer), Buffer.from(sum.buffer))).toBe(0);
  });

  it('tells any gRPC client why it is refused', async () => {
    reducing = await startReducing(200);
    const { send } = plainCalls();
    send.write(chunk(new Float32Array(), { step: 9 }));
    const error = await new Promise((resolve) => send.on('error', resolve));
    expect(error).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'The gradient of worker 1 is refused: nothing is summed here yet.',
    });
  });
});

it('a worker exchanges through any gRPC server, and hears from it why it is refused', async () => {
  reducing = await startReducing(200, 0, true);
  const alone = { ...plan, contributions: new Map([[0, [{ first: 0, count: 2 }]]]) };
  void reducing.reducer.open(alone);
  const [result, signal] = [new Float32Array(TOTAL), new AbortController().signal];
  const sums = sumsOf(leaves, [{ first: 0, count: 2 }]);
  const connection = reducing.connect();
  await reduceThrough(connection, { ...base, worker: 0, sums, result, signal });
  expect(Buffer.compare(Buffer.from(result.buffer), Buffer.from(sum.buffer))).toBe(0);

  const again = reduceThrough(connection, { ...base, step: 2, worker: 0, sums, result, signal });
  await expect(again).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    details: expect.stringContaining('it is of step 2 in generation 7') as string,
  });
});
