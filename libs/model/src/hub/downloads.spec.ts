import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { withFileLock } from '@captrain/data/store';
import { sha256 } from '@captrain/runtime';
import { describe, expect, test } from 'vitest';
import { modelFolder } from './model-folder.js';
import { gitDigest } from './testing/git-digest.js';
import { files, hubFixture, refusal, weights } from './testing/hub-fixture.cases.js';

const hub = hubFixture();

describe('a download', () => {
  test('goes on where a connection was dropped', async () => {
    hub().breakOff(100_000, 2);
    const snapshot = await hub().get();
    expect(readFileSync(path.join(snapshot, 'model.safetensors'))).toEqual(weights);
    const ranges = hub().stored.map(({ range }) => range);
    // What was under way when the connection broke may be lost with it.
    const [first, second, third] = ranges.map((range) => (range ? parseInt(range.slice(6)) : range));
    expect([ranges.length, first]).toEqual([3, undefined]);
    expect(second).toBeGreaterThan(0);
    expect(third).toBeGreaterThan(second as number);
  });

  test('survives more drops than it has patience for, as long as it gets on', async () => {
    hub().breakOff(30_000, 12);
    await hub().get();
    expect(hub().stored).toHaveLength(13);
  });

  test('gives up where nothing comes, keeps what came, and goes on from there the next time', async () => {
    hub().breakOff(100_000, 1);
    const broken = hub().server.interfere!;
    hub().server.interfere = (seen, response) =>
      broken(seen, response) || (seen.host === 'store' && Boolean(response.destroy()));
    expect(await refusal(hub().get())).toMatch(/cannot be fetched from http.*or name a folder\.$/);
    expect(existsSync(hub().cached('snapshots', hub().commit, 'model.safetensors'))).toBe(false);
    hub().server.interfere = undefined;
    hub().server.seen.length = 0;
    await hub().get();
    expect(hub().stored.map(({ range }) => range)).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  });

  test('takes a connection that gives nothing for dropped', async () => {
    let hung = false;
    hub().server.interfere = (seen) => seen.host === 'store' && !hung && (hung = true);
    await hub().get('org/gpt2', { patience: { ...hub().settings.patience, stallMs: 200 } });
    expect(hung).toBe(true);
  });

  test('begins anew with a server that ignores ranges', async () => {
    hub().breakOff(100_000, 1);
    const broken = hub().server.interfere!;
    hub().server.interfere = (seen, response) => {
      if (broken(seen, response)) return true;
      if (seen.host !== 'store') return false;
      response.writeHead(200, { 'content-length': weights.length }).end(weights);
      return true;
    };
    expect(readFileSync(path.join(await hub().get(), 'model.safetensors'))).toEqual(weights);
  });

  test('of other bytes than the hub lists is fetched once more, and never put in place', async () => {
    const give = (content: Buffer) => (seen: { host: string }, response: ServerResponse) =>
      seen.host === 'store' &&
      Boolean(response.writeHead(200, { 'content-length': content.length }).end(content));
    const wrong = Buffer.from(weights).fill(7, 1000, 1010);
    for (const [content, words] of [
      [wrong, `with the SHA-256 ${sha256(wrong)} where the hub lists ${sha256(weights)}`],
      [Buffer.concat([weights, weights]), 'bytes where the hub lists 400,000'],
    ] as const) {
      hub().server.interfere = give(content);
      hub().server.seen.length = 0;
      const message = await refusal(hub().get());
      expect(message).toMatch(/^model\.safetensors of org\/gpt2 came twice from http/);
      expect(message).toContain(words);
      expect(hub().stored).toHaveLength(2);
      expect(existsSync(hub().cached('snapshots', hub().commit, 'model.safetensors'))).toBe(false);
      expect(readdirSync(hub().cached('blobs')).filter((name) => name.startsWith(sha256(weights)))).toEqual(
        [],
      );
    }
    hub().server.interfere = give(weights.subarray(0, 1000));
    expect(await refusal(hub().get())).toContain('broke off after 1,000 bytes');
    hub().server.interfere = undefined;
    rmSync(hub().cached('blobs'), { recursive: true });
    await hub().get();
  });

  test('that is damaged in the cache is made whole', async () => {
    const snapshot = await hub().get();
    truncateSync(hub().cached('blobs', sha256(weights)), 1000);
    appendFileSync(`${hub().cached('blobs', sha256(weights))}.captrain.incomplete`, Buffer.alloc(10));
    expect(readFileSync(path.join(await hub().get(), 'model.safetensors'))).toEqual(weights);
    rmSync(hub().cached('blobs', gitDigest(Buffer.from(files['config.json']))));
    await hub().get();
    expect(readFileSync(path.join(snapshot, 'config.json'), 'utf8')).toBe(files['config.json']);
  });

  test('that is stopped says that it goes on, and does', async () => {
    const controller = new AbortController();
    hub().server.interfere = (seen, response) => {
      if (seen.host !== 'store') return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 150_000));
      return true;
    };
    const partial = `${hub().cached('blobs', sha256(weights))}.captrain.incomplete`;
    const watch = setInterval(() => {
      if (existsSync(partial) && statSync(partial).size === 150_000) setTimeout(() => controller.abort(), 50);
    }, 20);
    const message = await refusal(modelFolder('org/gpt2', hub().options({}, controller.signal)));
    clearInterval(watch);
    expect(message).toMatch(
      /^Stopped at 150 kB of 400 kB of org\/gpt2; the same command goes on from there\.$/,
    );
    hub().server.interfere = undefined;
    await hub().get();
    expect(hub().stored.at(-1)?.range).toBe('bytes=150000-');
  });

  test('waits for that of another process, says so, and can be told to stop waiting', async () => {
    const lock = path.join(hub().settings.cache, '.locks/models--org--gpt2/captrain.lock');
    mkdirSync(path.dirname(lock), { recursive: true });
    const controller = new AbortController();
    await withFileLock(lock, async () => {
      const waiting = modelFolder('org/gpt2', hub().options({}, controller.signal));
      setTimeout(() => controller.abort(), 2300);
      await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    });
    expect(hub().said).toEqual(['another process is downloading org/gpt2: waiting for it']);
    expect(hub().stored).toEqual([]);
  });

  test('is done once by two processes that ask at the same time', async () => {
    hub().server.interfere = (seen, response) => {
      if (seen.host !== 'store') return false;
      response.writeHead(200, { 'content-length': weights.length });
      response.write(weights.subarray(0, 1000));
      setTimeout(() => response.end(weights.subarray(1000)), 500);
      return true;
    };
    const files = ['../../../../tools/run-source.mjs', '../../fixtures/find-model.ts'];
    const program = files.map((file) => path.join(import.meta.dirname, file));
    const env = { ...process.env, HF_ENDPOINT: hub().server.endpoint, HF_HUB_CACHE: hub().settings.cache };
    const found = await Promise.all(
      [1, 2].map(async () => {
        const child = spawn(process.execPath, [...program, 'org/gpt2'], { env });
        let text = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (text += piece));
        const [code] = await once(child, 'close');
        return { code, text };
      }),
    );
    for (const { code, text } of found)
      expect({ code, text }).toMatchObject({
        code: 0,
        text: expect.stringContaining(hub().cached('snapshots', hub().commit)),
      });
    expect(hub().stored).toHaveLength(1);
    expect(readdirSync(path.join(hub().settings.cache, '.locks/models--org--gpt2'))).toEqual([]);
  });
});
