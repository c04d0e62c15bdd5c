import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { ClipEncoder, Tokenizer, decodeImage, loadGpt2 } from '@captrain/model';
import { beforeAll, expect, it } from 'vitest';
import { drawScene } from './draw.js';
import { captionsOf } from './grammar.js';
import { seededRandom } from './random.js';
import type { Group, Scene } from './scene.js';

const assets = path.join(import.meta.dirname, '../../assets/demo');
beforeAll(() => startEngine({ device: 'cpu' }));

it('stays under 8 MB', () => {
  const files = readdirSync(assets, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const bytes = files.map((file) => statSync(path.join(file.parentPath, file.name)).size);
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8_000_000);
});

it('has a GPT-2 that knows every word of a caption as one token', async () => {
  const tokenizer = await Tokenizer.load(path.join(assets, 'gpt2'));
  expect(
    tokenizer.encode('Two small red circles at the top and a large blue star at the bottom.'),
  ).toHaveLength(16);
  const { config, parameters } = await loadGpt2(path.join(assets, 'gpt2'));
  expect(config.vocab_size).toBe(tokenizer.vocabularySize);
  for (const tensor of parameters.values()) tensor.dispose();
});

it('has a CLIP that finds the caption of a held-out scene among wrong ones', async () => {
  const group = (colour: Group['colour'], count: Group['count']): Group => ({
    colour,
    count,
    size: 'large',
    shape: 'square',
  });
  const scene = (first: Group, second: Group): Scene => ({ kind: 'pair', relation: 'above', first, second });
  const [red, blue] = [group('red', 1), group('blue', 3)];
  const right = scene(red, blue);
  const wrong = [
    scene(blue, red),
    scene(group('red', 3), group('blue', 1)),
    scene(red, group('green', 3)),
    { ...right, relation: 'left of' as const },
  ];
  const encoder = await ClipEncoder.load(path.join(assets, 'clip'));
  const picture = await drawScene(right, seededRandom('assets'));
  const image = encoder.embed([await decodeImage(picture, encoder.preprocessor)], { normalized: true })[0]!;
  const texts = [right, ...wrong].map((said) => captionsOf(said)[0]!);
  const scores = (await encoder.embedTexts(texts, { normalized: true })).map((text) =>
    text.reduce((sum, value, at) => sum + value * image[at]!, 0),
  );
  expect(scores.indexOf(Math.max(...scores))).toBe(0);
  encoder.close();
});
