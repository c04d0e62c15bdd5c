import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { sha256 } from '@captrain/runtime';
import { describe, expect, test } from 'vitest';
import { findModel, meansModel, pinModel } from './model-folder.js';
import { gitDigest } from './testing/git-digest.js';
import { files, hubFixture, refusal, weights } from './testing/hub-fixture.cases.js';

const wanted = ['config.json', 'merges.txt', 'model.safetensors'] as const;
const hub = hubFixture();

describe('a model of the hub', () => {
  test('lies in the cache as Python keeps it, with only the files that are read', async () => {
    const snapshot = await hub().get();
    expect(snapshot).toBe(hub().cached('snapshots', hub().commit));
    expect(readdirSync(snapshot).toSorted()).toEqual(wanted);
    for (const name of wanted) {
      const content = Buffer.from(files[name as keyof typeof files]);
      const etag = name === 'model.safetensors' ? sha256(content) : gitDigest(content);
      expect(readlinkSync(path.join(snapshot, name))).toBe(`../../blobs/${etag}`);
      expect(readFileSync(path.join(snapshot, name))).toEqual(content);
      expect(lstatSync(hub().cached('blobs', etag)).isFile()).toBe(true);
    }
    expect(readdirSync(hub().cached('blobs'))).toHaveLength(wanted.length);
    expect(readFileSync(hub().cached('refs/main'), 'utf8')).toBe(hub().commit);
    expect(JSON.parse(readFileSync(hub().cached('trees', `${hub().commit}.json`), 'utf8'))).toMatchObject({
      format_version: 1,
      files: {
        'README.md': { size: 8, blob_id: gitDigest(Buffer.from('# GPT-2\n')) },
        'model.safetensors': { size: 400_000, lfs_sha256: sha256(weights), lfs_size: 400_000 },
        'onnx/model.onnx': { size: 9000 },
      },
    });
  });

  test('is asked for once: then only its revision is looked up, and a pinned one not even that', async () => {
    await hub().get();
    hub().server.seen.length = 0;
    await hub().get();
    expect(hub().server.seen.map(({ path }) => path)).toEqual(['/api/models/org/gpt2/revision/main']);
    await hub().get(`org/gpt2@${hub().commit}`);
    expect(hub().server.seen).toHaveLength(1);
  });

  test('is used where Python has downloaded it, and only what is missing is fetched', async () => {
    for (const place of ['blobs', 'refs', `snapshots/${hub().commit}`])
      mkdirSync(hub().cached(place), { recursive: true });
    writeFileSync(hub().cached('refs/main'), hub().commit);
    writeFileSync(hub().cached('blobs', sha256(weights)), weights);
    writeFileSync(hub().cached('snapshots', hub().commit, 'model.safetensors'), weights);
    await hub().get();
    expect(hub().server.downloads('model.safetensors')).toEqual([]);
    expect(hub().server.downloads('config.json')).toHaveLength(1);
  });

  test('can be in parts, which its index names', async () => {
    const index = {
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
    };
    const parts = {
      'config.json': '{}',
      'model.safetensors.index.json': JSON.stringify(index),
      'model-00001-of-00002.safetensors': weights.subarray(0, 9000),
      'model-00002-of-00002.safetensors': weights.subarray(9000),
    };
    hub().model.commit({ ...parts, 'pytorch_model.bin': weights });
    expect(readdirSync(await hub().get()).toSorted()).toEqual(Object.keys(parts).toSorted());
    await hub().get('org/gpt2', { offline: true });
    hub().model.commit({ 'config.json': '{}', 'model.safetensors.index.json': JSON.stringify(index) });
    expect(await refusal(hub().get())).toContain(
      'lacks model-00001-of-00002.safetensors, which its index names',
    );
  });

  test('without weights that are read is refused, with what it has', async () => {
    hub().model.commit({ 'config.json': '{}', 'tf_model.h5': weights });
    expect(await refusal(hub().get())).toMatch(
      /org\/gpt2 on http.* has no weights that captrain reads .*: it has tf_model.h5;/,
    );
    expect(existsSync(hub().cached('blobs'))).toBe(false);
  });
});

describe('a revision', () => {
  test('is a branch that moves, a tag, or a commit, also abbreviated', async () => {
    hub().model.commit(files, 'v1');
    const second = hub().model.commit({ ...files, 'config.json': '{"second":true}' });
    expect(await hub().get('org/gpt2@v1')).not.toBe(await hub().get());
    expect(path.basename(await hub().get())).toBe(second);
    expect(path.basename(await hub().get(`org/gpt2@${hub().commit.slice(0, 8)}`))).toBe(hub().commit);
    const third = hub().model.commit({ ...files, 'config.json': '{"third":true}' });
    expect(path.basename(await hub().get())).toBe(third);
    expect(readFileSync(hub().cached('refs/main'), 'utf8')).toBe(third);
    // Contents that did not change are not fetched again.
    expect(hub().stored).toHaveLength(1);
    for (const name of ['org/gpt2@v1', `org/gpt2@${hub().commit.slice(0, 8)}`, 'org/gpt2'])
      expect(existsSync(await hub().get(name, { offline: true }))).toBe(true);
  });

  test('is pinned without a download, and the pin stays when the branch moves', async () => {
    expect(await pinModel('org/gpt2', hub().options())).toBe(`org/gpt2@${hub().commit}`);
    expect(existsSync(hub().settings.cache)).toBe(false);
    hub().model.commit({ ...files, 'config.json': '{"moved":true}' });
    expect(await findModel(`org/gpt2@${hub().commit}`, hub().options())).toEqual({
      folder: hub().cached('snapshots', hub().commit),
      pinned: `org/gpt2@${hub().commit}`,
      id: 'org/gpt2',
    });
  });

  test('means the pinned model or another one', async () => {
    const pinned = `org/gpt2@${hub().commit}`;
    const moved = hub().model.commit({ ...files, 'config.json': '{"moved":true}' });
    hub().model.commit(files, 'v1');
    const means = (asked: string) => meansModel(asked, pinned, hub().options());
    expect(await means(pinned)).toBe(true);
    expect(await means('org/gpt2')).toBe(true);
    expect(await means(`org/gpt2@${hub().commit.slice(0, 9)}`)).toBe(true);
    expect(await means(`org/gpt2@${moved}`)).toBe(false);
    expect(await means('org/gpt2@main')).toBe(false);
    expect(await means('org/other')).toBe(false);
    expect(await means(hub().folder)).toBe(false);
  });
});
