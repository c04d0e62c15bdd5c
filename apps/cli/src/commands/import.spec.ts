import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeTinyClip, writeTinyGpt2 } from '@captrain/model/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCaptrain } from '../testing/run-captrain.js';

/** Checkpoints that PyTorch wrote: see make.py there. */
const fixtures = path.join(import.meta.dirname, '../../../../libs/model/testing/clipcap');
const root = mkdtempSync(path.join(tmpdir(), 'captrain-import-'));
const at = (...names: string[]) => path.join(root, ...names);
const weights = (name: string) => path.join(fixtures, name);

beforeAll(async () => {
  writeTinyGpt2(at('gpt2'), { n_embd: 8, n_layer: 1, n_head: 2, n_positions: 32 });
  writeTinyGpt2(at('deep-gpt2'), { n_embd: 8, n_layer: 3, n_head: 2, n_positions: 32 });
  writeTinyClip(at('clip'), 6);
  writeTinyClip(at('wide-clip'), 24);
  const background = { r: 20, g: 90, b: 200 };
  await sharp({ create: { width: 40, height: 40, channels: 3, background } })
    .png()
    .toFile(at('picture.png'));
  cpSync(at('gpt2'), at('no-tokenizer'), { recursive: true });
  rmSync(at('no-tokenizer/vocab.json'));
  writeFileSync(at('torn.pt'), readFileSync(weights('mlp.pt')).subarray(0, 9000));
  writeFileSync(at('picture.pt'), readFileSync(at('picture.png')));
});
afterAll(() => rmSync(root, { recursive: true }));

const imported = (...args: string[]) => runCaptrain(['import', '--language-model', at('gpt2'), ...args]);

describe('captrain import', () => {
  test('makes a captioner folder of a checkpoint, which captions pictures', async () => {
    const out = at('captioner');
    const { code, out: said, err } = await imported('--weights', weights('mlp.pt'), '--out', out);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(said).toContain('mlp mapper, embeddings of 6 values, prefix of 3; GPT-2 fine-tuned');
    const config = JSON.parse(readFileSync(path.join(out, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ prefix_length: 3, caption_end: 'full-stop', normalize_prefix: false });
    expect(readFileSync(path.join(out, 'README.md'), 'utf8')).toMatch(
      /Imported from `mlp.pt`, SHA-256 `[0-9a-f]{64}`/,
    );
    const args = ['caption', '--device', 'cpu', '--model', out, '--encoder', at('clip'), at('picture.png')];
    const captioned = await runCaptrain(args);
    expect({ code: captioned.code, err: captioned.err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(captioned.out)).toEqual([
      { image_id: at('picture.png'), caption: expect.any(String) as string },
    ]);
  });

  test('takes the Transformer with its heads, and records the encoder', async () => {
    const args = ['--weights', weights('transformer.pt'), '--out', at('transformer'), '--mapper-heads', '4'];
    const { code } = await imported(...args, '--normalize-prefix', '--encoder', 'openai/clip-rn50x4');
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(at('transformer/config.json'), 'utf8'))).toMatchObject({
      mapper: 'transformer',
      clip_length: 2,
      mapper_layers: 2,
      mapper_heads: 4,
      normalize_prefix: true,
      encoder: 'openai/clip-rn50x4',
    });
  });

  test('captions refuse an encoder of another width, and both or none of --run and --model', async () => {
    const caption = (...args: string[]) => runCaptrain(['caption', '--device', 'cpu', ...args, 'x.png']);
    for (const [args, words] of [
      [
        ['--model', at('captioner'), '--encoder', at('wide-clip')],
        'embeddings of 24 values, but the captioner was trained on 6',
      ],
      [['--model', at('captioner')], '--encoder is missing'],
      [['--model', at('gpt2')], 'is no captioner folder'],
      [['--model', at('captioner'), '--run', at('run')], 'Both --run and --model'],
      [[], 'Neither --run nor --model'],
    ] as const) {
      const { code, err } = await caption(...args);
      expect(code).toBe(2);
      expect(err).toMatch(/^captrain: .*\n$/);
      expect(err).toContain(words);
    }
  });
});

describe('captrain import refuses with one sentence and exit code 2', () => {
  test.each<[string, () => string[], string]>([
    ['a file that is not there', () => ['--weights', at('absent.pt')], 'there is no file'],
    ['a folder instead of a file', () => ['--weights', root], 'is a folder'],
    ['a picture', () => ['--weights', at('picture.pt')], 'neither a safetensors file nor one of PyTorch'],
    ['a file cut short', () => ['--weights', at('torn.pt')], 'torn.pt'],
    ['weights of something else', () => ['--weights', weights('other.pt')], 'no ClipCap checkpoint'],
    [
      'a language model of other sizes',
      () => ['--weights', weights('mlp.pt'), '--language-model', at('deep-gpt2')],
      'GPT-2 of 1 layers',
    ],
    [
      'a CLIP as language model',
      () => ['--weights', weights('mlp.pt'), '--language-model', at('clip')],
      'gpt2 architecture',
    ],
    [
      'a language model without a tokenizer',
      () => ['--weights', weights('mlp.pt'), '--language-model', at('no-tokenizer')],
      'tokenizer',
    ],
    [
      'heads that do not divide the width',
      () => ['--weights', weights('transformer.pt'), '--mapper-heads', '3'],
      '3',
    ],
    [
      'a captioner in the way',
      () => ['--weights', weights('mlp.pt'), '--out', at('captioner')],
      '--overwrite',
    ],
  ])('%s', async (_, args, words) => {
    const { code, out, err } = await imported('--out', at('x'), ...args());
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*\n$/);
    expect(err).toContain(words);
    expect(existsSync(at('x'))).toBe(false);
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
