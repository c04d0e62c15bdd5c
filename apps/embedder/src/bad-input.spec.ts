import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeTinyClip } from '@captrain/model/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FixturePicture, writeCoco } from './testing/coco-fixture.js';
import { runEmbedder } from './testing/run-embedder.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-bad-input-'));
const at = (...names: string[]) => path.join(root, ...names);
const broken = Buffer.from('no picture');

beforeAll(async () => {
  writeTinyClip(at('clip'));
  await writeCoco(at('good'), [{ id: 1, split: 'train' }]);
  await writeCoco(at('gap'), [
    { id: 1, split: 'train' },
    { id: 2, split: 'train', absent: true },
  ]);
  await writeCoco(at('unreadable'), [
    { id: 1, split: 'train', bytes: broken },
    { id: 2, split: 'train', bytes: Buffer.alloc(0) },
  ]);
  for (const name of ['empty', 'not-json/annotations', 'no-images/annotations', 'no-model']) {
    mkdirSync(at(name), { recursive: true });
  }
  writeFileSync(at('not-json/annotations/captions_train2017.json'), '{"images": [');
  writeFileSync(at('no-images/annotations/captions_train2017.json'), '{"images": [], "annotations": []}');
  writeFileSync(at('a-file'), '');
});
afterAll(() => rmSync(root, { recursive: true }));

function embed(flags: Record<string, string> = {}) {
  const all = {
    dataset: at('good'),
    format: 'coco',
    encoder: at('clip'),
    out: at('out'),
    device: 'cpu',
    ...flags,
  };
  return runEmbedder(Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]));
}

test.each<[string, Record<string, string>, string]>([
  ['a data set that is not there', { dataset: at('absent') }, at('absent')],
  ['a data set without captions files', { dataset: at('empty') }, at('empty')],
  ['a captions file that is not JSON', { dataset: at('not-json') }, 'captions_train2017.json is not JSON'],
  ['a data set without images', { dataset: at('no-images') }, at('no-images')],
  ['images without files', { dataset: at('gap') }, at('gap/train2017/2.jpg')],
  ['no readable picture at all', { dataset: at('unreadable') }, 'None of the 2 pictures can be read'],
  ['a split that is not there', { split: 'test' }, 'has no pictures of split "test"; it has train'],
  ['an encoder that is not there', { encoder: at('absent') }, at('absent')],
  ['a folder without an encoder', { encoder: at('no-model') }, at('no-model')],
  ['a format that is not known', { format: 'cocoo' }, 'did you mean coco?'],
  ['no room in a batch', { 'batch-size': '0' }, '--batch-size is 0'],
  ['a file where the output should be', { out: at('a-file/out') }, at('a-file')],
  ['a place that is of no known kind', { out: 'ftp://host/out' }, 'ftp'],
])('refuses %s with one sentence and exit code 2, and leaves nothing behind', async (_, flags, words) => {
  const before = readdirSync(root).toSorted();
  const { code, out, err } = await embed(flags);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  const lines = err.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^captrain: /);
  expect(lines.at(-1)).toContain(words);
  expect(err).not.toMatch(/^ +at /m);
  expect(readdirSync(root).toSorted()).toEqual(before);
});

test('stops on Ctrl-C without a manifest, and the same command then makes it whole', async () => {
  const pictures = Array.from({ length: 300 }, (_, i): FixturePicture => ({ id: i + 1, split: 'train' }));
  await writeCoco(at('many'), [{ id: 0, split: 'train', bytes: broken }, ...pictures]);
  const flags = [
    '--dataset',
    at('many'),
    '--format',
    'coco',
    '--encoder',
    at('clip'),
    '--out',
    at('stopped'),
  ];
  const args = [...flags, '--device', 'cpu', '--batch-size', '1', '--rows-per-shard', '16'];
  const stopped = await runEmbedder(args, {}, (kill) => kill('SIGINT'));
  expect(stopped.code).toBe(130);
  expect(stopped.err).toMatch(/captrain: Stopped after [\d,]+ of 301 images; .* run the command again\n$/);
  expect(existsSync(at('stopped/manifest.json'))).toBe(false);

  const { code, out } = await runEmbedder(args);
  expect(code).toBe(0);
  expect(out).toContain('Embedded 300 images');
});
