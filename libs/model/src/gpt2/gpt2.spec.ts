import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ParameterValues } from '../parameters.js';
import {
  type Rows,
  expectClose,
  plainAdd,
  plainAffine,
  plainAttention,
  plainGeluTanh,
  plainNorm,
  rowsOf,
} from '../plain-math.cases.js';
import { tensorsOfValues } from '../load-parameters.js';
import { writeTinyGpt2 } from '../testing.js';
import { writeModelFolder } from '../write-model-folder.js';
import { type Gpt2Config, gpt2Config, gpt2Shapes } from './gpt2-config.js';
import { gpt2Embed, gpt2Head, gpt2Logits, gpt2Step } from './gpt2.js';
import { initGpt2, loadGpt2 } from './load-gpt2.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-gpt2-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => startEngine({ device: 'cpu' }));

const tiny = gpt2Config.parse({
  vocab_size: 19,
  n_positions: 12,
  n_embd: 8,
  n_layer: 2,
  n_head: 2,
  initializer_range: 0.3,
});

function logits(
  tokens: number[][],
  config = tiny,
  mask?: number[][],
  values = initGpt2(config, 5),
): number[][][] {
  const parameters = tensorsOfValues(gpt2Shapes(config), values);
  const ids_BT = tf.tensor2d(tokens, undefined, 'int32');
  return gpt2Logits(parameters, config, ids_BT, mask && tf.tensor2d(mask)).arraySync();
}

test('the logits are those of a GPT-2 written out in plain numbers', () => {
  const values = initGpt2(tiny, 5);
  const [ours] = logits([[3, 1, 4, 1, 5]], tiny, undefined, values);
  expectClose(ours!, plainLogits(values, tiny, [3, 1, 4, 1, 5]));
});

test('a later token changes nothing before it', () => {
  const [a] = logits([[3, 1, 4, 1, 5]]);
  const [b] = logits([[3, 1, 4, 1, 18]]);
  expect(a!.slice(0, 4)).toEqual(b!.slice(0, 4));
  expect(a![4]).not.toEqual(b![4]);
});

test('a batch gives each of its rows what the row gives alone', () => {
  const batch = logits([
    [3, 1, 4, 1],
    [2, 7, 1, 8],
  ]);
  expectClose(batch[1]!, logits([[2, 7, 1, 8]])[0]!, 1e-5);
});

test('what the mask hides has no effect', () => {
  const mask = [[1, 0, 1, 1]];
  const [a] = logits([[3, 1, 4, 1]], tiny, mask);
  const [b] = logits([[3, 9, 4, 1]], tiny, mask);
  for (const position of [0, 2, 3]) expectClose([a![position]!], [b![position]!], 1e-5);
});

test('word by word over a cache gives the logits of the whole sequence', () => {
  const parameters = tensorsOfValues(gpt2Shapes(tiny), initGpt2(tiny, 5));
  const tokens = [
    [3, 1, 4, 1, 5],
    [9, 2, 6, 5, 3],
  ];
  const whole = gpt2Logits(parameters, tiny, tf.tensor2d(tokens, undefined, 'int32')).arraySync();
  const embed = (from: number, to: number) =>
    gpt2Embed(
      parameters,
      tf.tensor2d(
        tokens.map((row) => row.slice(from, to)),
        undefined,
        'int32',
      ),
    );
  let step = gpt2Step(parameters, tiny, embed(0, 2));
  for (let position = 2; position < 5; position++) {
    step = gpt2Step(parameters, tiny, embed(position, position + 1), step.cache);
    const row = (gpt2Head(parameters, tiny, step.hidden_BTD) as tf.Tensor3D).arraySync();
    tokens.forEach((_, index) => expectClose(row[index]!, [whole[index]![position]!], 1e-5));
  }
});

test('the config decides: activation, attention scale, inner width, head', () => {
  const base = logits([[3, 1, 4]]);
  const variants: Partial<Gpt2Config>[] = [
    { activation_function: 'relu' },
    { scale_attn_weights: false },
    { scale_attn_by_inverse_layer_idx: true },
    { n_inner: 12 },
    { tie_word_embeddings: false },
    { layer_norm_epsilon: 0.1 },
  ];
  for (const variant of variants) {
    const config = { ...tiny, ...variant };
    expect(logits([[3, 1, 4]], config), JSON.stringify(variant)).not.toEqual(base);
    const values = initGpt2(config, 5);
    const [ours] = logits([[3, 1, 4]], config, undefined, values);
    expectClose(ours!, plainLogits(values, config, [3, 1, 4]));
  }
});

test('more positions than the model has are refused', () => {
  expect(() => logits([Array<number>(13).fill(1)])).toThrow('13 positions where the model has 12');
});

test('new weights are the same for the same seed, and spread as the config says', () => {
  const [a, b, c] = [initGpt2(tiny, 1), initGpt2(tiny, 1), initGpt2(tiny, 2)];
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
  expect([...a.keys()]).toEqual([...gpt2Shapes(tiny).keys()]);
  const deviation = (values: Float32Array) => Math.hypot(...values) / Math.sqrt(values.length);
  expect(deviation(a.get('transformer.wte.weight')!)).toBeCloseTo(0.3, 1);
  expect(deviation(a.get('transformer.h.0.mlp.c_proj.weight')!)).toBeCloseTo(0.15, 1);
});

describe('folders in Hugging Face layout', () => {
  const place = (name: string) => path.join(folder, name);

  test('load what was written, leaving no tensor behind', async () => {
    const config = writeTinyGpt2(place('tiny'));
    await expectNoLeak(async () => {
      const loaded = await loadGpt2(place('tiny'));
      expect(loaded.config).toEqual(config);
      const values = initGpt2(config, 1);
      for (const [name, tensor] of loaded.parameters) expect(tensor.dataSync()).toEqual(values.get(name));
      tf.dispose([...loaded.parameters.values()]);
    });
  });

  test('load the names of the published GPT-2, with its masks and without the prefix', async () => {
    const values = initGpt2(tiny, 3);
    const bare = (name: string) => name.replace('transformer.', '');
    const shapes = new Map([...gpt2Shapes(tiny)].map(([name, shape]) => [bare(name), shape]));
    const renamed: ParameterValues = new Map([...values].map(([name, data]) => [bare(name), data]));
    for (const extra of ['h.0.attn.bias', 'h.0.attn.masked_bias', 'lm_head.weight']) {
      shapes.set(extra, [1]);
      renamed.set(extra, new Float32Array(1));
    }
    writeModelFolder(place('bare'), { config: tiny, shapes, values: renamed });
    const { parameters } = await loadGpt2(place('bare'));
    expect([...parameters.keys()]).toEqual([...gpt2Shapes(tiny).keys()]);
    const name = 'transformer.h.1.attn.c_attn.weight';
    expect(parameters.get(name)!.dataSync()).toEqual(values.get(name));
  });

  test('half precision is read', async () => {
    const values = initGpt2(tiny, 3);
    writeModelFolder(place('half'), { config: tiny, shapes: gpt2Shapes(tiny), values, dtype: 'F16' });
    const { parameters } = await loadGpt2(place('half'));
    const loaded = [...parameters.get('transformer.wte.weight')!.dataSync()];
    expectClose([loaded], [[...values.get('transformer.wte.weight')!]], 1e-3);
  });

  test('weights of another size are listed', async () => {
    const bad = mkdtempSync(place('bad-'));
    writeModelFolder(bad, { config: tiny, shapes: gpt2Shapes(tiny), values: initGpt2(tiny, 3) });
    writeFileSync(path.join(bad, 'config.json'), JSON.stringify({ ...tiny, vocab_size: 20, n_layer: 1 }));
    await expect(loadGpt2(bad)).rejects.toThrow(UserError);
    await expect(loadGpt2(bad)).rejects.toThrow(
      /wte.weight has shape \[19, 8\] instead of \[20, 8\]; .*h\.1.* is unexpected; .*and \d+ more/,
    );
  });

  test('a folder without weights, and no folder at all, are refused', async () => {
    const empty = mkdtempSync(place('empty-'));
    writeFileSync(path.join(empty, 'config.json'), JSON.stringify(tiny));
    await expect(loadGpt2(empty)).rejects.toThrow(/none of model.safetensors, .*pytorch_model.bin/);
    await expect(loadGpt2(place('nowhere'))).rejects.toThrow(/there is no model folder/);
  });
});

/** GPT-2 for one sequence, following the paper. */
function plainLogits(values: ParameterValues, config: Gpt2Config, tokens: number[]): Rows {
  const { n_embd: width, n_head: heads, layer_norm_epsilon: epsilon } = config;
  const wte = rowsOf(values.get('transformer.wte.weight')!, width);
  const wpe = rowsOf(values.get('transformer.wpe.weight')!, width);
  const activate = config.activation_function === 'relu' ? (x: number) => Math.max(0, x) : plainGeluTanh;
  let rows = plainAdd(
    tokens.map((token) => wte[token]!),
    wpe,
  );
  for (let layer = 0; layer < config.n_layer; layer++) {
    const name = `transformer.h.${layer}`;
    const conv = (x: Rows, part: string) =>
      x.map((row) => plainAffine(values, `${name}.${part}`, row, 'in-out'));
    const norm = (x: Rows, part: string) =>
      x.map((row) => plainNorm(values, `${name}.${part}`, row, epsilon));
    const qkv = conv(norm(rows, 'ln_1'), 'attn.c_attn');
    const [queries, keys, mixed] = [0, 1, 2].map((part) =>
      qkv.map((row) => row.slice(part * width, (part + 1) * width)),
    ) as [Rows, Rows, Rows];
    let scale = config.scale_attn_weights ? 1 / Math.sqrt(width / heads) : 1;
    if (config.scale_attn_by_inverse_layer_idx) scale /= layer + 1;
    const attended = plainAttention({ queries, keys, values: mixed }, { heads, causal: true, scale });
    rows = plainAdd(rows, conv(attended, 'attn.c_proj'));
    const inner = conv(norm(rows, 'ln_2'), 'mlp.c_fc').map((row) => row.map(activate));
    rows = plainAdd(rows, conv(inner, 'mlp.c_proj'));
  }
  const head = config.tie_word_embeddings ? 'transformer.wte' : 'lm_head';
  return rows.map((row) => plainAffine(values, head, plainNorm(values, 'transformer.ln_f', row, epsilon)));
}
