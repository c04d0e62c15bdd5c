import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EmbeddingDataset, openStore } from '@captrain/data';
import { captionGreedy } from '@captrain/model';
import { writeTinyClip } from '@captrain/model/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRun } from '../caption/load-run.js';
import type { Prediction } from '../caption/predictions.js';
import { runCaptrain } from '../testing/run-captrain.js';
import { type TinyRun, embedPictures, writeTinyRun } from '../testing/tiny-run.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-caption-'));
const at = (...names: string[]) => path.join(root, ...names);
let tiny: TinyRun;
/** Captions of the three images, one at a time, from this process. */
let wanted: string[];

beforeAll(async () => {
  tiny = await writeTinyRun(root);
  writeTinyClip(at('other-clip'), 24, 9);
  writeTinyClip(at('wide-clip'), 32);
  await embedPictures(at('wide-clip'), tiny.pictures, at('wide-data'));
  await embedPictures(at('other-clip'), tiny.pictures, at('other-data'));
  const { captioner } = await loadRun(await openStore(tiny.run));
  wanted = [];
  for await (const { embedding } of (
    await EmbeddingDataset.open(await openStore(tiny.data), 'val')
  ).eachRow()) {
    wanted.push(captionGreedy(captioner, embedding)[0]!.trim());
  }
  captioner.close();
});
afterAll(() => rmSync(root, { recursive: true }));

function caption(...args: string[]) {
  return runCaptrain(['caption', '--device', 'cpu', ...args]);
}

describe('captrain caption', () => {
  test('writes COCO results of an embedded split, ids as numbers', async () => {
    const file = at('deep', 'captions.json');
    const args = ['--run', tiny.run, '--data', tiny.data, '--batch-size', '2', '--out', file];
    const { code, out } = await caption(...args);
    expect(code).toBe(0);
    expect(out).toBe(`Wrote 3 captions to ${file}\n`);
    const predictions = JSON.parse(readFileSync(file, 'utf8')) as Prediction[];
    expect(predictions).toEqual(wanted.map((caption, i) => ({ image_id: i + 1, caption })));
  });

  test('captions picture files by the encoder that the data were made with', async () => {
    const { code, out, err } = await caption('--run', tiny.run, ...tiny.pictures);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual(wanted.map((caption, i) => ({ image_id: tiny.pictures[i], caption })));
  });

  test('captions what it can read, and says by its exit code that there was more', async () => {
    writeFileSync(at('broken.jpg'), 'no picture');
    const { code, out, err } = await caption('--run', tiny.run, at('broken.jpg'), tiny.pictures[0]!);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual([{ image_id: tiny.pictures[0], caption: wanted[0] }]);
    expect(err).toContain(`skipped: cannot read ${at('broken.jpg')}`);
    expect(err).toContain('captrain: 1 of 2 pictures could not be read; see above\n');
  });

  test('searches by beams, and draws by seed, the same whatever the batch', async () => {
    const written = async (...args: string[]) => {
      const { code, out } = await caption('--run', tiny.run, '--data', tiny.data, ...args);
      expect(code).toBe(0);
      return (JSON.parse(out) as Prediction[]).map((prediction) => prediction.caption);
    };
    expect(await written('--beam', '1')).toEqual(wanted);
    const drawn = await written('--top-p', '0.9', '--temperature', '2', '--seed', '4');
    expect(drawn).not.toEqual(wanted);
    const again = ['--top-p', '0.9', '--temperature', '2', '--seed', '4', '--batch-size', '1'];
    expect(await written(...again)).toEqual(drawn);
  });

  test('finds a language model that was moved', async () => {
    cpSync(tiny.gpt2, at('moved-gpt2'), { recursive: true });
    const args = ['--run', tiny.run, '--language-model', at('moved-gpt2'), tiny.pictures[0]!];
    expect(JSON.parse((await caption(...args)).out)).toEqual([
      { image_id: tiny.pictures[0], caption: wanted[0] },
    ]);
  });
});

describe('captrain caption refuses with one sentence and exit code 2', () => {
  test.each<[string, () => string[], string]>([
    ['no images', () => ['--run', tiny.run], 'nothing to caption'],
    ['two kinds of images', () => ['--run', tiny.run, '--data', tiny.data, 'a.jpg'], 'name one of them'],
    [
      'two ways to choose words',
      () => ['--run', tiny.run, '--beam', '3', '--top-p', '0.9', 'a.jpg'],
      'name one of them',
    ],
    [
      'a temperature of nothing',
      () => ['--run', tiny.run, '--temperature', '0.5', 'a.jpg'],
      'add --top-p or --beam',
    ],
    ['a seed of nothing', () => ['--run', tiny.run, '--beam', '2', '--seed', '1', 'a.jpg'], 'add --top-p'],
    ['more than everything', () => ['--run', tiny.run, '--top-p', '1.5', 'a.jpg'], '--top-p'],
    ['no beams', () => ['--run', tiny.run, '--beam', '0', 'a.jpg'], '--beam'],
    [
      'more beams than words',
      () => ['--run', tiny.run, '--data', tiny.data, '--beam', '9999'],
      '9999 beams are more than the 257 words of the language model',
    ],
    ['a folder without a run', () => ['--run', at('absent'), '--data', tiny.data], 'holds no checkpoint'],
    ['data that are not there', () => ['--run', tiny.run, '--data', at('absent')], 'holds no embeddings'],
    [
      'a split that is not there',
      () => ['--run', tiny.run, '--data', tiny.data, '--split', 'tst'],
      'it has val',
    ],
    ['an absent picture', () => ['--run', tiny.run, at('absent.jpg')], `cannot read ${at('absent.jpg')}`],
    ['data of another encoder', () => ['--run', tiny.run, '--data', at('other-data')], 'other-clip'],
    ['data of another width', () => ['--run', tiny.run, '--data', at('wide-data')], 'the run expects'],
    [
      'an encoder of other weights',
      () => ['--run', tiny.run, '--encoder', at('other-clip'), tiny.pictures[0]!],
      'its digest is another',
    ],
    [
      'an encoder of another width',
      () => ['--run', tiny.run, '--encoder', at('wide-clip'), tiny.pictures[0]!],
      'embeddings of 32 values, but the captioner was trained on 24',
    ],
    [
      'a language model that is gone',
      () => ['--run', tiny.run, '--language-model', at('absent'), tiny.pictures[0]!],
      at('absent'),
    ],
    [
      'a file in the way of the results',
      () => ['--run', tiny.run, '--data', tiny.data, '--out', at('1.jpg', 'captions.json')],
      'name another --out',
    ],
  ])('%s', async (_, args, words) => {
    const { code, out, err } = await caption(...args());
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*\n$/);
    expect(err).toContain(words);
  });

  test('a checkpoint whose bytes are not those that were written', async () => {
    cpSync(tiny.run, at('damaged-run'), { recursive: true });
    const [shard] = readdirSync(at('damaged-run/checkpoints/step-00000003')).filter((name) =>
      name.startsWith('model'),
    );
    appendFileSync(at('damaged-run/checkpoints/step-00000003', shard!), 'x');
    const { code, err } = await caption('--run', at('damaged-run'), '--data', tiny.data);
    expect(code).toBe(2);
    expect(err).toMatch(/^captrain: .*model-00001-of-\d{5}\.safetensors is damaged.*\n$/);
  });
});
