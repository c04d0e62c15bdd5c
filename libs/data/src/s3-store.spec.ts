import { createServer, type AddressInfo, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '@captrain/runtime';
import { EmbeddingDataset } from './embedding-dataset.js';
import { ConflictError, type ObjectStore } from './object-store.js';
import { countsFromManyProcesses, describesAnObjectStore } from './object-store.cases.js';
import { openStore } from './open-store.js';
import { readDataset } from './read-dataset.js';
import type { Patience } from './s3-connection.js';
import { S3Store } from './s3-store.js';
import { ShardWriter } from './shard-writer.js';
import { startLossyProxy } from './testing/lossy-proxy.js';
import { startMinio, type Minio } from './testing/minio.js';
import { exampleContract, exampleRows } from './testing/rows.js';

let minio: Minio | undefined;
let spare: string;
let count = 0;
beforeAll(async () => {
  minio = await startMinio();
  await minio?.createBucket('tests');
  spare = await mkdtemp(path.join(tmpdir(), 'captrain-s3-'));
}, 1_200_000);
afterAll(async () => {
  await minio?.close();
  await rm(spare, { recursive: true });
});

const env = (): Record<string, string> => minio?.env ?? {};
/** Without MinIO the same cases hold for a folder; `startMinio` has said why. */
const open = (): Promise<ObjectStore> =>
  openStore(minio ? `s3://tests/prefix/${count++}` : path.join(spare, String(count++)), env());

describe('an S3 store, on MinIO', () => {
  describesAnObjectStore(open);
  countsFromManyProcesses(open, env);

  it('uploads large objects in parts, and reads them by range', async () => {
    const store = await open();
    const bytes = Buffer.alloc(80 * 1024 * 1024 + 17);
    for (let i = 0; i < bytes.length; i += 4093) bytes.writeUInt32LE(i, Math.min(i, bytes.length - 4));
    const cuts = [0, 7, 16 * 1024 * 1024 + 1, 70 * 1024 * 1024, bytes.length];
    const parts = cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
    const { etag } = await store.put('large', parts);
    expect(await store.stat('large')).toEqual({ bytes: bytes.length, etag });
    expect((await store.get('large')).equals(bytes)).toBe(true);
    expect(await store.getRange('large', bytes.length - 9, 9)).toEqual(bytes.subarray(-9));
  });

  it('lists more objects than one answer holds', async () => {
    const store = await open();
    for (let i = 0; i < 1100; i += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, j) => store.put(`o${String(i + j).padStart(4, '0')}`, 'x')),
      );
    const names: string[] = [];
    for await (const { path } of store.list('o')) names.push(path);
    expect(names).toHaveLength(1100);
    expect(names.at(-1)).toBe('o1099');
  });
});

describe('data sets in S3', () => {
  it('are read, pictures and captions', async () => {
    const store = await open();
    await store.put('captions.txt', 'image,caption\na.jpg,"a dog, running"\n');
    await store.put('images/a.jpg', 'pixels');
    if (minio) Object.assign(process.env, minio.env);
    const images = [];
    for await (const image of readDataset({ format: 'flickr8k', uri: store.uri })) images.push(image);
    expect(images.map(({ file, captions }) => [file, captions])).toEqual([
      [`${store.uri}/images/a.jpg`, ['a dog, running']],
    ]);
    expect((await images[0]!.read()).toString()).toBe('pixels');
  });

  it('are written and read as embeddings', async () => {
    const store = await open();
    const writer = await ShardWriter.create(store, exampleContract(), { rowsPerShard: 4 });
    for (const row of exampleRows(10)) await writer.add({ ...row, split: 'train' });
    await writer.close();
    const dataset = await EmbeddingDataset.open(store, 'train');
    const rows = [];
    for await (const row of dataset.eachRow()) rows.push(row);
    expect(rows).toEqual(exampleRows(10));
  });
});

describe('where answers get lost on the way from S3', () => {
  it('takes a conditional put that took effect unseen for its own', async ({ skip }) => {
    if (!minio) return skip('no MinIO');
    const proxy = await startLossyProxy(minio.endpoint);
    const store = await openStore('s3://tests/lossy', { ...minio.env, AWS_ENDPOINT_URL: proxy.endpoint });
    const losePut = () => proxy.lose(1, (request) => request.startsWith('PUT'));
    losePut();
    const first = await store.put('LATEST', 'one', { ifNoneMatch: '*' });
    losePut();
    const second = await store.put('LATEST', 'two', { ifMatch: first.etag });
    expect(await store.stat('LATEST')).toEqual({ bytes: 3, etag: second.etag });
    losePut();
    await expect(store.put('LATEST', 'late', { ifMatch: first.etag })).rejects.toThrow(ConflictError);
    expect((await store.get('LATEST')).toString()).toBe('two');
    expect(proxy.lost).toBe(3);
    await proxy.close();
  });

  it('reads, writes and uploads parts again', async ({ skip }) => {
    if (!minio) return skip('no MinIO');
    const proxy = await startLossyProxy(minio.endpoint);
    const store = await openStore('s3://tests/lossy', { ...minio.env, AWS_ENDPOINT_URL: proxy.endpoint });
    const bytes = Buffer.alloc(65 * 1024 * 1024, 'captrain');
    for (const part of [/^POST .*uploads/, /^PUT .*partNumber=3/, /^POST .*uploadId=/]) {
      proxy.lose(1, (request) => part.test(request));
      await store.put('large', bytes);
    }
    proxy.lose(2, (request) => request.startsWith('GET'));
    expect((await store.get('large')).equals(bytes)).toBe(true);
    expect(proxy.lost).toBe(5);
    await proxy.close();
  });
});

describe('what is wrong with S3 is one sentence', () => {
  const refusal = async (uri: string, settings: NodeJS.ProcessEnv, patience?: Patience) => {
    const error: unknown = await S3Store.open(uri, settings, patience).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  };

  it('for a missing bucket, and a name that no bucket can have', async ({ skip }) => {
    if (!minio) return skip('no MinIO');
    expect(await refusal('s3://missing/x', minio.env)).toBe(
      `There is no bucket "missing" at ${minio.endpoint}; create it, or correct its name`,
    );
    expect(await refusal('s3://A_B/x', minio.env)).toContain(
      '"A_B" is not a name that an S3 bucket can have',
    );
  });

  it('for wrong credentials', async ({ skip }) => {
    if (!minio) return skip('no MinIO');
    for (const wrong of [{ AWS_SECRET_ACCESS_KEY: 'wrong' }, { AWS_ACCESS_KEY_ID: 'nobody' }])
      expect(await refusal('s3://tests/x', { ...minio.env, ...wrong })).toMatch(
        /refuses these credentials for the bucket "tests".*check AWS_ACCESS_KEY_ID/,
      );
  });

  it('for missing credentials, a misspelt endpoint, and a URI without a bucket', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    expect(await refusal('s3://b/x', {})).toContain('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
    expect(await refusal('s3://b/x', { ...keys, AWS_ENDPOINT_URL: 'localhost:9000' })).toBe(
      'AWS_ENDPOINT_URL is "localhost:9000"; it must be like http://localhost:9000, without a path',
    );
    expect(await refusal('s3:///x', keys)).toContain('names no bucket');
  });

  it('for a server that is not there, that is none, or that says nothing', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    const listen = async (onConnection: (socket: Socket) => void) => {
      const server = createServer(onConnection).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    };
    const closed = await listen((socket) => socket.destroy());
    expect(await refusal('s3://bucket/x', { ...keys, AWS_ENDPOINT_URL: closed.url })).toContain(
      'does not answer',
    );
    await new Promise((resolve) => closed.server.close(resolve));
    expect(await refusal('s3://bucket/x', { ...keys, AWS_ENDPOINT_URL: closed.url })).toBe(
      `S3 does not answer at ${closed.url} (ECONNREFUSED); check AWS_ENDPOINT_URL, and that the server runs`,
    );
    const web = await listen((socket) =>
      socket.end('HTTP/1.1 400 Bad\r\nContent-Length: 13\r\n\r\n<html></html>'),
    );
    expect(await refusal('s3://bucket/x', { ...keys, AWS_ENDPOINT_URL: web.url })).toContain(
      'its answer is not S3',
    );
    web.server.close();
    const busy = await listen((socket) => socket.end('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'));
    expect(await refusal('s3://bucket/x', { ...keys, AWS_ENDPOINT_URL: busy.url })).toContain(
      '(HTTP 503); try again',
    );
    busy.server.close();
    const mute = await listen(() => undefined);
    const patience = { connectMs: 1000, silenceMs: 200 };
    expect(await refusal('s3://bucket/x', { ...keys, AWS_ENDPOINT_URL: mute.url }, patience)).toContain(
      '(ETIMEDOUT)',
    );
    mute.server.close();
  });
});
