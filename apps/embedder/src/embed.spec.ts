import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EmbeddingDataset, openStore } from '@captrain/data';
import { startEngine } from '@captrain/engine';
import { ClipEncoder, decodeImage } from '@captrain/model';
import { writeTinyClip } from '@captrain/model/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FixturePicture, writeCoco } from './testing/coco-fixture.js';
import { runEmbedder } from './testing/run-embedder.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-embed-'));
const at = (...names: string[]) => path.join(root, ...names);

const pictures: FixturePicture[] = [
  ...Array.from({ length: 9 }, (_, i) => ({ id: i + 1, split: 'train' as const })),
  ...Array.from({ length: 3 }, (_, i) => ({ id: i + 101, split: 'val' as const })),
];

beforeAll(async () => {
  writeTinyClip(at('clip'));
  writeTinyClip(at('other-clip'), 24, 2);
  await writeCoco(at('coco'), pictures);
  const damaged = pictures.map((picture) =>
    picture.id === 3 || picture.id === 102 ? { ...picture, bytes: Buffer.from('no picture') } : picture,
  );
  await writeCoco(at('damaged'), damaged);
});
afterAll(() => rmSync(root, { recursive: true }));

function embed(dataset: string, out: string, ...more: string[]) {
  const places = ['--dataset', at(dataset), '--format', 'coco', '--encoder', at('clip'), '--out', at(out)];
  return runEmbedder([...places, '--batch-size', '4', '--rows-per-shard', '4', '--device', 'cpu', ...more]);
}

function files(folder: string): Record<string, string> {
  const names = readdirSync(at(folder)).toSorted();
  return Object.fromEntries(names.map((name) => [name, readFileSync(at(folder, name)).toString('base64')]));
}

describe('a data set, embedded', () => {
  test('is shards by split with captions, and vectors that the encoder gives', async () => {
    const { code, out, err } = await embed('coco', 'first', '--precision', 'float32');
    expect(code).toBe(0);
    expect(out).toContain('Embedded 12 images with 24 captions (train, val)');
    expect(err).toMatch(/embedding {2}12 of 12 images · [\d.]+ images\/s · in /);
    expect(Object.keys(files('first'))).toEqual([
      'embedding.json',
      'manifest.json',
      'train-00000.arrow',
      'train-00001.arrow',
      'train-00002.arrow',
      'val-00000.arrow',
    ]);

    const dataset = await EmbeddingDataset.open(await openStore(at('first')), 'train');
    expect({ rows: dataset.rows, captions: dataset.captions, dim: dataset.dim }).toEqual({
      rows: 9,
      captions: 18,
      dim: 24,
    });
    await startEngine({ device: 'cpu' });
    const encoder = await ClipEncoder.load(at('clip'));
    let id = 0;
    for await (const row of dataset.eachRow()) {
      id++;
      expect(row.imageId).toBe(String(id));
      expect(row.captions).toEqual([`a plain picture ${id}`, `a colour ${id}`]);
      const file = readFileSync(at(`coco/train2017/${id}.jpg`));
      const [wanted] = encoder.embed([await decodeImage(file, encoder.preprocessor)]);
      row.embedding.forEach((value, i) => expect(value).toBeCloseTo(wanted![i]!, 5));
    }
    encoder.close();
  });

  test('has the same bytes on every run, whatever order pictures are decoded in', async () => {
    await embed('coco', 'again-1');
    const places = [
      '--dataset',
      at('coco'),
      '--format',
      'coco',
      '--encoder',
      at('clip'),
      '--out',
      at('again-2'),
    ];
    const options = ['--batch-size', '4', '--rows-per-shard', '4', '--device', 'cpu', '--threads', '1'];
    const { code } = await runEmbedder([...places, ...options], { UV_THREADPOOL_SIZE: '1' });
    expect(code).toBe(0);
    expect(files('again-2')).toEqual(files('again-1'));
  });

  test('can be one split alone', async () => {
    const { out } = await embed('coco', 'val-only', '--split', 'val');
    expect(out).toContain('Embedded 3 images with 6 captions (val)');
  });

  test('lacks unreadable pictures, which are counted, shown and listed with the reason', async () => {
    const { code, out, err } = await embed('damaged', 'skips');
    expect(code).toBe(0);
    expect(out).toContain('Embedded 10 images with 20 captions');
    expect(out).toContain('2 skipped, see skipped.jsonl');
    expect(err).toContain(`skipped ${at('damaged/train2017/3.jpg')}: `);
    const lines = readFileSync(at('skips/skipped.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { imageId: '3', file: at('damaged/train2017/3.jpg'), reason: expect.stringMatching(/unsupported/) },
      { imageId: '102', file: at('damaged/val2017/102.jpg'), reason: expect.stringMatching(/unsupported/) },
    ]);
  });

  test('leaves out absent pictures when told to, and lists them', async () => {
    await writeCoco(at('gaps'), [...pictures.slice(0, 4), { id: 7, split: 'train', absent: true }]);
    const { code, out } = await embed('gaps', 'gaps-out', '--skip-missing');
    expect(code).toBe(0);
    expect(out).toContain('Embedded 4 images');
    expect(readFileSync(at('gaps-out/skipped.jsonl'), 'utf8')).toContain('train2017/7.jpg');
  });
});

describe('an output that is taken', () => {
  beforeAll(() => embed('coco', 'taken'));

  test('is left alone when it holds the same embeddings', async () => {
    const before = files('taken');
    const { code, out } = await embed('coco', 'taken');
    expect(code).toBe(0);
    expect(out).toContain('is complete already');
    expect(files('taken')).toEqual(before);
  });

  test.each([
    ['another encoder', ['--encoder', at('other-clip')], 'its encoder is sha256:'],
    [
      'another data set',
      ['--dataset', at('damaged'), '--split', 'val'],
      'the digest of its images and captions',
    ],
    ['another precision', ['--precision', 'float32'], 'its precision is float16, not float32'],
  ])('is refused for %s', async (_, flags, words) => {
    const before = files('taken');
    const { code, out, err } = await embed('coco', 'taken', ...flags);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*holds another data set: .*--overwrite\n$/);
    expect(err).toContain(words);
    expect(files('taken')).toEqual(before);
  });

  test('is replaced when told to, with nothing of the old left', async () => {
    await embed('coco', 'replaced');
    const { code } = await embed('coco', 'replaced', '--overwrite', '--split', 'val');
    expect(code).toBe(0);
    await embed('coco', 'fresh', '--split', 'val');
    expect(files('replaced')).toEqual(files('fresh'));
  });
});
