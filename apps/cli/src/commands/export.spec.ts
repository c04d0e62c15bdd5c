import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '@captrain/data';
import { openWeights } from '@captrain/model';
import { CheckpointLog, findCheckpoint } from '@captrain/model/run';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCaptrain } from '../testing/run-captrain.js';
import { type TinyRun, writeTinyRun } from '../testing/tiny-run.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-export-'));
const at = (...names: string[]) => path.join(root, ...names);
let tiny: TinyRun;
beforeAll(async () => {
  tiny = await writeTinyRun(root);
  const store = await openStore(tiny.run);
  const lines = [2, 3].map((step) => JSON.stringify({ step, epoch: 0, loss: step + 0.25 }));
  await store.put('metrics.jsonl', `${lines.join('\n')}\n`);
});
afterAll(() => rmSync(root, { recursive: true }));

const exported = (...args: string[]) => runCaptrain(['export', '--run', tiny.run, ...args]);
const caption = async (...args: string[]) => {
  const { out } = await runCaptrain(['caption', '--device', 'cpu', ...args, ...tiny.pictures]);
  return (JSON.parse(out) as { caption: string }[]).map(({ caption }) => caption);
};

describe('captrain export', () => {
  test('writes a folder that captions as the run does', async () => {
    const out = at('deep', 'captioner');
    const ended = await exported('--out', out);
    expect(ended).toEqual({ code: 0, out: `Wrote the captioner of step 3 to ${out}\n`, err: '' });
    expect(readdirSync(out).toSorted()).toEqual([
      'README.md',
      'captioner.py',
      'config.json',
      'language_model',
      'mapper.safetensors',
    ]);
    expect(JSON.parse(readFileSync(path.join(out, 'config.json'), 'utf8'))).toMatchObject({
      model_type: 'clipcap',
      mapper: 'mlp',
      prefix_length: 4,
      embedding_dim: 24,
      max_caption_tokens: 8,
      caption_end: 'end-of-text',
      encoder: 'clip',
      dtype: 'float32',
    });
    expect(await caption('--model', out, '--encoder', tiny.clip)).toEqual(await caption('--run', tiny.run));
    expect(readdirSync(at('deep'))).toEqual(['captioner']);
  });

  test('gives the language model the names and files that transformers wants', async () => {
    const folder = at('deep/captioner/language_model');
    const config = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ model_type: 'gpt2', dtype: 'float32', eos_token_id: 256 });
    expect(existsSync(path.join(folder, 'vocab.json')) && existsSync(path.join(folder, 'merges.txt'))).toBe(
      true,
    );
    const { tensors, metadata } = await openWeights(path.join(folder, 'model.safetensors'));
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.has('transformer.h.1.attn.c_attn.weight')).toBe(true);
  });

  test('tells in the model card what it is, of what data, at which step and loss, with which scores', async () => {
    const scores = at('scores.json');
    writeFileSync(
      scores,
      JSON.stringify({ references: 'val.json', images: 3, bleu4: 0.25, brevityPenalty: 1 }),
    );
    const out = at('carded');
    expect((await exported('--out', out, '--scores', scores)).code).toBe(0);
    const card = readFileSync(path.join(out, 'README.md'), 'utf8');
    expect(card).toMatch(/^---\nlibrary_name: captrain\npipeline_tag: image-to-text\n/);
    expect(card).toContain('metrics: ["bleu"]\nmodel-index:\n- name: "carded"\n');
    expect(card).toContain('- {"type":"bleu","name":"BLEU-4","value":0.25}');
    for (const row of [
      '| step | 3 |',
      '| loss of that step | 3.2500 nats per token |',
      '| val.json (3 images) | BLEU-4 | 0.2500 |',
    ])
      expect(card).toContain(row);
    expect(card).toMatch(/\| data digest \| `[0-9a-f]{64}` \|/);
    expect(card).not.toContain(root);
  });

  test('stores half the bytes as float16 or bfloat16', async () => {
    for (const [dtype, stored] of [
      ['float16', 'F16'],
      ['bfloat16', 'BF16'],
    ] as const) {
      const out = at(dtype);
      expect((await exported('--out', out, '--dtype', dtype)).code).toBe(0);
      for (const file of ['mapper.safetensors', 'language_model/model.safetensors']) {
        const { tensors } = await openWeights(path.join(out, file));
        expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set([stored]));
      }
      expect(await caption('--model', out, '--encoder', tiny.clip)).toHaveLength(3);
    }
  });

  test('replaces a captioner only when it is told to', async () => {
    const before = readFileSync(at('deep/captioner/README.md'), 'utf8');
    const refused = await exported('--out', at('deep/captioner'), '--dtype', 'float16');
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/^captrain: .*holds a captioner already.*--overwrite.*\n$/);
    expect(readFileSync(at('deep/captioner/README.md'), 'utf8')).toBe(before);
    expect((await exported('--out', at('deep/captioner'), '--dtype', 'float16', '--overwrite')).code).toBe(0);
    expect(readFileSync(at('deep/captioner/README.md'), 'utf8')).toContain('float16');
    expect(readdirSync(at('deep'))).toEqual(['captioner']);
  });
});

describe('captrain export refuses with one sentence and exit code 2', () => {
  beforeAll(() => {
    mkdirSync(at('mine'));
    writeFileSync(at('mine/notes.txt'), 'mine');
    writeFileSync(at('no-scores.json'), '{"images": 3}');
  });

  test.each<[string, () => string[], string]>([
    ['a folder without a run', () => ['--run', at('absent'), '--out', at('x')], 'holds no checkpoint'],
    ['a step that is not there', () => ['--out', at('x'), '--checkpoint', '7'], 'it has those of 3'],
    [
      'a best step of a run that was not validated',
      () => ['--out', at('x'), '--checkpoint', 'best'],
      'not validated',
    ],
    [
      'a folder of other files, even to be overwritten',
      () => ['--out', at('mine'), '--overwrite'],
      'not of a captioner',
    ],
    ['a file in the way', () => ['--out', at('1.jpg')], 'is a file'],
    ['a folder below a file', () => ['--out', at('1.jpg', 'x')], 'name another --out'],
    ['an object store', () => ['--out', 's3://bucket/x'], 'no folder on this machine'],
    ['scores that are not there', () => ['--out', at('x'), '--scores', at('absent.json')], 'absent.json'],
    ['a file without scores', () => ['--out', at('x'), '--scores', at('no-scores.json')], 'holds no scores'],
    [
      'a language model that is gone',
      () => ['--out', at('x'), '--language-model', at('absent')],
      at('absent'),
    ],
    ['another dtype', () => ['--out', at('x'), '--dtype', 'int8'], 'float32, float16, bfloat16'],
  ])('%s', async (_, args, words) => {
    const { code, out, err } = await exported(...args());
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*\n$/);
    expect(err).toContain(words);
    expect(existsSync(at('x'))).toBe(false);
    expect(readdirSync(at('mine'))).toEqual(['notes.txt']);
  });
});

test('captrain export takes the best checkpoint of a run that was validated, and tells its loss', async () => {
  const store = await openStore(tiny.run);
  const { manifest } = await findCheckpoint(store, 'latest');
  const log = await CheckpointLog.open(store, { term: 2 });
  const validation = { split: 'val', loss: 1.25, captions: 3, tokens: 12 };
  await log.commit({ ...manifest, validation });
  const out = at('best');
  expect((await exported('--out', out, '--checkpoint', 'best')).code).toBe(0);
  expect(readFileSync(path.join(out, 'README.md'), 'utf8')).toContain(
    '| validation loss | 1.2500 nats per token, on 3 captions of val |',
  );
});
