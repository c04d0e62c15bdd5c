import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinModel } from './model-folder.js';
import { hubFixture, refusal, weights } from './testing/hub-fixture.cases.js';
import type { Interference } from './testing/hub-server.js';

const hub = hubFixture();
const token = { value: 'hf_secret', source: 'HF_TOKEN' };

/** Answers every request to the hub itself with a status, `times` times. */
function answering(status: number, headers: Record<string, string> = {}, times = Infinity): Interference {
  return ({ host }, response) =>
    host === 'hub' && times-- > 0 && Boolean(response.writeHead(status, headers).end());
}

describe('a token', () => {
  test('opens a private model, and goes to the hub alone', async () => {
    hub().model.token = token.value;
    await hub().get('org/gpt2', { token });
    for (const { host, authorization } of hub().server.seen)
      expect(authorization).toBe(host === 'hub' ? 'Bearer hf_secret' : undefined);
    expect(hub().stored).toHaveLength(1);
  });

  test('is shown in no message', async () => {
    const { interfere } = hub().server;
    for (const answer of [
      answering(401),
      answering(403),
      answering(404),
      answering(418),
      answering(500),
      interfere,
    ]) {
      hub().server.interfere = answer;
      const message = await refusal(hub().get('org/none', { token }));
      expect(message).not.toContain('hf_secret');
      expect(message).toContain(hub().server.endpoint);
    }
  });
});

describe('one sentence says', () => {
  test('that there is neither a folder nor a model of the name', async () => {
    expect(await refusal(hub().get('org/none'))).toBe(
      `there is no folder org/none here, and ${hub().server.endpoint} has no model org/none, or it is private; ` +
        'check the name, and set HF_TOKEN for a private model.',
    );
    expect(await refusal(hub().get('org/none', { token }))).toContain(
      'has no model org/none that the token in HF_TOKEN can see; check the name.',
    );
  });

  test('that a private model needs a token', async () => {
    hub().model.token = token.value;
    expect(await refusal(hub().get())).toContain('or it is private; check the name, and set HF_TOKEN');
  });

  test('that a gated model needs to be asked for', async () => {
    Object.assign(hub().model, { token: 'hf_other', gated: true });
    expect(await refusal(hub().get())).toMatch(/does not give org\/gpt2 to just anybody: ask .*set HF_TOKEN/);
    const message = await refusal(hub().get('org/gpt2', { token }));
    expect(message).toMatch(/to the token in HF_TOKEN: ask for access at http.*\/org\/gpt2\.$/);
  });

  test('that a token is not accepted', async () => {
    hub().server.interfere = answering(401);
    expect(await refusal(hub().get('org/gpt2', { token }))).toMatch(
      /does not accept the token in HF_TOKEN \(it answers 401/,
    );
  });

  test('that there is no such revision', async () => {
    expect(await refusal(hub().get('org/gpt2@v9'))).toContain(
      'has no revision "v9"; name a branch, tag or commit',
    );
    expect(await refusal(pinModel('org/gpt2@v9', hub().options()))).toContain('has no revision "v9"');
    expect(await refusal(hub().get(`org/gpt2@${'0'.repeat(40)}`))).toContain('has no revision "0000');
  });

  test('that a file of the listing is not given', async () => {
    hub().server.interfere = ({ path: asked }, response) =>
      asked.endsWith('config.json') &&
      Boolean(response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end());
    expect(await refusal(hub().get())).toContain('lists files of org/gpt2 that it does not give');
  });

  test.each([
    ['a web page', '<html>'],
    ['other JSON', '{"sha":"main"}'],
    ['an empty answer', ''],
  ])('that %s is no hub', async (_, body) => {
    hub().server.interfere = (_, response) => Boolean(response.end(body));
    expect(await refusal(hub().get())).toMatch(/does not answer as a hub does.*check HF_ENDPOINT\.$/);
  });

  test('that redirects in a circle, or to nowhere, are no hub', async () => {
    for (const location of ['/again', 'http://', '']) {
      hub().server.interfere = answering(302, { location });
      expect(await refusal(hub().get())).toContain('does not answer as a hub does');
    }
  });

  test('that the cache cannot be written', async () => {
    const file = path.join(hub().folder, 'file');
    writeFileSync(file, '');
    expect(await refusal(hub().get('org/gpt2', { cache: path.join(file, 'hub') }))).toMatch(
      /^org\/gpt2 cannot be written into the cache .*HF_HUB_CACHE\.$/,
    );
  });
});

describe('a hub that is busy', () => {
  test.each([429, 500, 502, 503, 504])('with %i is asked again, a little later', async (status) => {
    hub().server.interfere = answering(status, {}, 3);
    expect(existsSync(await hub().get())).toBe(true);
  });

  test('is asked again when it says', async () => {
    hub().server.interfere = answering(429, { 'retry-after': '1' }, 1);
    const started = performance.now();
    await hub().get();
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(hub().said).toEqual([
      `${hub().server.endpoint}: it answers 429 Too Many Requests; trying again in 1.0 s`,
    ]);
  });

  test('is left alone where it asks for too much patience', async () => {
    const asking: Record<string, string>[] = [
      { 'retry-after': '3600' },
      { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() },
      { ratelimit: '"api";r=0;t=300' },
    ];
    for (const headers of asking) {
      hub().server.seen.length = 0;
      hub().server.interfere = answering(429, headers);
      expect(await refusal(hub().get())).toMatch(
        /takes no more requests from here for now.*or set HF_TOKEN\.$/,
      );
      expect(hub().server.seen).toHaveLength(1);
    }
  });

  test('is given up after five tries', async () => {
    hub().server.interfere = answering(503);
    expect(await refusal(hub().get())).toMatch(
      /there is no folder org\/gpt2 here, and org\/gpt2 is not in the cache .* \(it answers 503 Service Unavailable\)/,
    );
    expect(hub().server.seen).toHaveLength(5);
  });
});

describe('without network', () => {
  const nowhere = { endpoint: 'http://127.0.0.1:9' };

  test('what the cache has is used, and that is said', async () => {
    const folder = await hub().get();
    hub().said.length = 0;
    expect(await hub().get('org/gpt2', nowhere)).toBe(folder);
    expect(hub().said).toEqual([
      expect.stringMatching(
        /^http:\/\/127\.0\.0\.1:9 cannot be asked \(.*\): org\/gpt2 is taken as the cache has it, [0-9a-f]{40}$/,
      ),
    ]);
    expect(await hub().get(`org/gpt2@${hub().commit}`, nowhere)).toBe(folder);
    expect(hub().said).toHaveLength(1);
  });

  test('what Python has downloaded, without the listing, is used too', async () => {
    const snapshot = hub().cached('snapshots', hub().commit);
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(path.join(snapshot, 'config.json'), '{}');
    expect(await refusal(hub().get(`org/gpt2@${hub().commit}`, nowhere))).toContain('is not in the cache');
    writeFileSync(path.join(snapshot, 'model.safetensors'), weights);
    expect(await hub().get(`org/gpt2@${hub().commit}`, nowhere)).toBe(snapshot);
    expect(await hub().get(`org/gpt2@${hub().commit.slice(0, 7)}`, { offline: true })).toBe(snapshot);
    // The hub can be asked again: what is missing comes.
    await hub().get();
    expect(existsSync(path.join(snapshot, 'merges.txt'))).toBe(true);
  });

  test('the rest is refused, with both readings, and soon', async () => {
    const message = await refusal(hub().get('models/gpt2', nowhere));
    expect(message).toMatch(/^there is no folder models\/gpt2 here, and models\/gpt2 is not in the cache/);
    expect(message).toContain('check the network and HF_ENDPOINT, or name a folder');
  });
});

describe('offline', () => {
  test('no request is made, and what is in the cache is used', async () => {
    const folder = await hub().get();
    hub().server.seen.length = 0;
    expect(await hub().get('org/gpt2', { offline: true })).toBe(folder);
    expect(await pinModel('org/gpt2', hub().options({ offline: true }))).toBe(`org/gpt2@${hub().commit}`);
    expect(hub().server.seen).toEqual([]);
    expect(hub().said).toEqual([]);
  });

  test('the rest is refused by model, revision and cache', async () => {
    const cache = hub().settings.cache;
    expect(await refusal(hub().get('org/gpt2@v1', { offline: true }))).toBe(
      `there is no folder org/gpt2@v1 here, and revision "v1" of the model org/gpt2 is not in the cache ${cache}; ` +
        'HF_HUB_OFFLINE forbids to fetch it: unset that, or name a folder.',
    );
    expect(await refusal(hub().get('gpt2', { offline: true }))).toContain(
      'revision "main" of the model gpt2',
    );
    const folder = await hub().get();
    rmSync(path.join(folder, 'model.safetensors'));
    expect(await refusal(hub().get('org/gpt2', { offline: true }))).toContain('is not in the cache');
    expect(hub().server.seen.filter(({ host }) => host === 'store')).toHaveLength(1);
  });

  test('a cache that cannot be written to is enough', async () => {
    const folder = await hub().get();
    for (const place of ['', 'refs', 'snapshots', 'blobs', 'trees']) chmodSync(hub().cached(place), 0o555);
    expect(await hub().get('org/gpt2', { offline: true })).toBe(folder);
    expect(await hub().get()).toBe(folder);
    for (const place of ['', 'refs', 'snapshots', 'blobs', 'trees']) chmodSync(hub().cached(place), 0o755);
  });
});
