import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ObjectStore, openStore } from '@captrain/data/store';
import { type Minio, startLossyProxy, startMinio } from '@captrain/data/testing';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LeaderLease, type LeaseOptions } from './leader-lease.js';
import { LEADER, readLeader } from './leader-record.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-lease-'));
const children: ChildProcess[] = [];
let minio: Minio | undefined;
beforeAll(async () => {
  minio = await startMinio();
  await minio?.createBucket('tests');
}, 1_200_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await minio?.close();
  rmSync(folder, { recursive: true });
});

const LEASE_SECONDS = 1.5;
let said: string[] = [];
function acquire(run: ObjectStore, options: Partial<LeaseOptions> = {}): Promise<LeaderLease> {
  said = [];
  const { signal } = new AbortController();
  const say = (sentence: string) => void said.push(sentence);
  const address = '127.0.0.1:50051';
  return LeaderLease.acquire(run, { address, leaseSeconds: LEASE_SECONDS, signal, say, ...options });
}

async function refusal(acquiring: Promise<LeaderLease>): Promise<string> {
  const thrown: unknown = await acquiring.catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(UserError);
  return (thrown as UserError).message;
}

async function lossOf(lease: LeaderLease): Promise<string> {
  if (!lease.lost.aborted) await once(lease.lost, 'abort');
  expect(lease.lost.reason).toBeInstanceOf(UserError);
  return (lease.lost.reason as UserError).message;
}

/** A process that leads the run; resolves once it does. */
async function leader(run: ObjectStore) {
  const program = ['../../../tools/run-source.mjs', '../fixtures/lead.ts'].map(
    (file) => new URL(file, import.meta.url).pathname,
  );
  const child = spawn(process.execPath, [...program, run.uri, 'other:1', String(LEASE_SECONDS)], {
    env: { ...process.env, ...minio?.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string;
  expect(await next()).toBe('term 1');
  return { child, next };
}

const secondsSince = (start: number) => (performance.now() - start) / 1000;
let count = 0;
const stores: [string, () => Promise<ObjectStore>][] = [
  ['a folder', () => openStore(path.join(folder, String(count++)))],
  // Without MinIO the same holds for a folder again; `startMinio` has said why.
  ['S3', () => openStore(minio ? `s3://tests/${count++}` : path.join(folder, String(count++)), minio?.env)],
];

describe.each(stores)('the lead of a run in %s', (_, open) => {
  test('is refused to a second coordinator while the first one renews it', async () => {
    const run = await open();
    const lease = await acquire(run);
    expect(lease.term).toBe(1);
    const start = performance.now();
    expect(await refusal(acquire(run, { address: 'other:1' }))).toBe(
      `The run in ${run.uri} is led by the coordinator at 127.0.0.1:50051 (process ${process.pid} on ${hostname()}); ` +
        'stop that one first, or name another run.',
    );
    expect(secondsSince(start)).toBeLessThan(LEASE_SECONDS);
    await sleep(2500 * LEASE_SECONDS);
    expect(lease.lost.aborted).toBe(false);
    await lease.close();
  });

  test('goes to a successor at once where it was given up', async () => {
    const run = await open();
    await (await acquire(run)).close();
    const start = performance.now();
    const successor = await acquire(run);
    expect(successor.term).toBe(2);
    expect(secondsSince(start)).toBeLessThan(LEASE_SECONDS / 2);
    expect(said).toEqual([]);
    await successor.close();
    // No renewal follows.
    const { etag } = (await readLeader(run))!;
    await sleep(1000 * LEASE_SECONDS);
    expect((await readLeader(run))!.etag).toBe(etag);
  });

  test('goes to a successor at once where the leader was killed on this machine', async () => {
    const run = await open();
    const { child } = await leader(run);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const start = performance.now();
    const successor = await acquire(run);
    expect(successor.term).toBe(2);
    expect(secondsSince(start)).toBeLessThan(LEASE_SECONDS / 2);
    await successor.close();
  });

  test('goes to a successor after a lease where the leader stands still, and it is told when it goes on', async () => {
    const run = await open();
    const { child, next } = await leader(run);
    child.kill('SIGSTOP');
    const start = performance.now();
    const successor = await acquire(run);
    expect(secondsSince(start)).toBeGreaterThan(LEASE_SECONDS);
    expect(secondsSince(start)).toBeLessThan(3 * LEASE_SECONDS);
    expect(said).toEqual([expect.stringContaining('the coordinator at other:1 (process')]);
    child.kill('SIGCONT');
    expect(await next()).toContain(`is led by the coordinator at 127.0.0.1:50051 (process ${process.pid} on`);
    expect(successor.lost.aborted).toBe(false);
    await successor.close();
  });

  test('stays with a leader that stood still and whose place nobody took', async () => {
    const run = await open();
    const { child } = await leader(run);
    child.kill('SIGSTOP');
    await sleep(2000 * LEASE_SECONDS);
    child.kill('SIGCONT');
    await sleep(1000 * LEASE_SECONDS);
    expect(await refusal(acquire(run))).toContain('is led by the coordinator at other:1');
  });

  test('goes to exactly one of many that wait for it', async () => {
    const run = await open();
    const lease = await acquire(run);
    const { record } = (await readLeader(run))!;
    await lease.close();
    // One that died elsewhere; its clock is wrong besides.
    const elsewhere = { ...record, id: 'gone', machine: 'elsewhere', renewedAt: '2999-01-01T00:00:00Z' };
    await run.put(LEADER, JSON.stringify(elsewhere));
    const start = performance.now();
    const results = await Promise.allSettled(
      [1, 2, 3, 4].map((i) => acquire(run, { address: `host${i}:1` })),
    );
    expect(secondsSince(start)).toBeGreaterThan(LEASE_SECONDS);
    const leases = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(leases.map(({ term }) => term)).toEqual([2]);
    const { address } = (await readLeader(run))!.record;
    for (const result of results)
      if (result.status === 'rejected')
        expect(String(result.reason)).toContain(`coordinator at ${address} (`);
    await leases[0]!.close();
  });

  test('ends for a leader whose place another took', async () => {
    const run = await open();
    const lease = await acquire(run);
    const { record } = (await readLeader(run))!;
    await run.put(LEADER, JSON.stringify({ ...record, id: 'other', address: 'other:1', term: 2 }));
    expect(await lossOf(lease)).toContain(
      `The run in ${run.uri} is led by the coordinator at other:1 (process`,
    );
    await lease.close();
    expect((await readLeader(run))!.record.id).toBe('other');
  });
});

test('a term is higher than those before also where the lease was deleted', async () => {
  const run = await openStore(path.join(folder, 'deleted'));
  await run.put('checkpoints/LATEST', 'step-00000100\nterm 4\n');
  const lease = await acquire(run);
  expect(lease.term).toBe(5);
  await run.delete(LEADER);
  expect(await lossOf(lease)).toContain(`${run.uri}/LEADER was deleted`);
});

test('an object that says nothing of a leader is refused', async () => {
  const run = await openStore(path.join(folder, 'garbage'));
  await run.put(LEADER, 'garbage');
  expect(await refusal(acquire(run))).toContain(`${run.uri}/LEADER does not say who leads the run`);
});

test('waiting for the lead can be stopped', async () => {
  const run = await openStore(path.join(folder, 'stopped'));
  await acquire(run, { leaseSeconds: 30 });
  const signal = AbortSignal.timeout(100);
  await expect(acquire(run, { signal })).rejects.toThrow('aborted');
});

describe('a leader whose store does not answer', () => {
  const throughProxy = async () => {
    const proxy = await startLossyProxy(minio!.endpoint);
    const env = { ...minio!.env, AWS_ENDPOINT_URL: proxy.endpoint };
    return { proxy, run: await openStore(`s3://tests/${count++}`, env) };
  };

  test('goes on where that is over within the lease', async ({ skip }) => {
    if (!minio) return skip('no MinIO');
    const { proxy, run } = await throughProxy();
    const lease = await acquire(run, { leaseSeconds: 3 });
    proxy.lose(2, () => true);
    await sleep(4500);
    expect(proxy.lost).toBe(2);
    expect(lease.lost.aborted).toBe(false);
    await lease.close();
    await proxy.close();
  });

  test('ends with the lease', async ({ skip }) => {
    if (!minio) return skip('no MinIO');
    const { proxy, run } = await throughProxy();
    const lease = await acquire(run);
    await proxy.close();
    const start = performance.now();
    expect(await lossOf(lease)).toContain(
      `This coordinator could not renew its lead of the run in ${run.uri} for ${LEASE_SECONDS} s (`,
    );
    expect(secondsSince(start)).toBeLessThan(2 * LEASE_SECONDS);
    await lease.close();
  });

  test('or with its patience, and finds then whether it leads still', async ({ skip }) => {
    if (!minio) return skip('no MinIO');
    const { proxy, run } = await throughProxy();
    const lease = await acquire(run, { patienceSeconds: 20 });
    proxy.lose(1e9, () => true);
    await sleep(1000 * LEASE_SECONDS);
    const direct = await openStore(run.uri, minio.env);
    const { record } = (await readLeader(direct))!;
    await direct.put(LEADER, JSON.stringify({ ...record, machine: 'elsewhere' }));
    const successor = await acquire(direct, { address: 'successor:1' });
    expect(lease.lost.aborted).toBe(false);
    proxy.lose(0, () => true);
    expect(await lossOf(lease)).toContain('is led by the coordinator at successor:1');
    await successor.close();
    await proxy.close();
  });
});
