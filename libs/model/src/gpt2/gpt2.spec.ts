import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ParameterValues } from '../parameters.js';
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

function expectClose(a: number[], b: number[], limit = 1e-5): void {
  expect(a.length).toBe(b.length);
  expect(Math.max(...a.map((value, index) => Math.abs(value - b[index]!)))).toBeLessThan(limit);
}

test('the logits are those of a GPT-2 written out in plain numbers', () => {
  const values = initGpt2(tiny, 5);
  const [ours] = logits([[3, 1, 4, 1, 5]], tiny, undefined, values);
  plainLogits(values, tiny, [3, 1, 4, 1, 5]).forEach((row, position) =>
    expectClose(ours![position]!, row, 1e-4),
  );
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
  expectClose(batch[1]!.flat(), logits([[2, 7, 1, 8]])[0]!.flat());
});

test('what the mask hides has no effect', () => {
  const mask = [[1, 0, 1, 1]];
  const [a] = logits([[3, 1, 4, 1]], tiny, mask);
  const [b] = logits([[3, 9, 4, 1]], tiny, mask);
  for (const position of [0, 2, 3]) expectClose(a![position]!, b![position]!);
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
    tokens.forEach((_, index) => expectClose(row[index]![0]!, whole[index]![position]!));
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
    plainLogits(values, config, [3, 1, 4]).forEach((row, position) =>
      expectClose(ours![position]!, row, 1e-4),
    );
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
    await expectNoLeak(() => {
      const loaded = loadGpt2(place('tiny'));
      expect(loaded.config).toEqual(config);
      const values = initGpt2(config, 1);
      for (const [name, tensor] of loaded.parameters) expect(tensor.dataSync()).toEqual(values.get(name));
      tf.dispose([...loaded.parameters.values()]);
    });
  });

  test('load the names of the published GPT-2, with its masks and without the prefix', () => {
    const values = initGpt2(tiny, 3);
    const bare = (name: string) => name.replace('transformer.', '');
    const shapes = new Map([...gpt2Shapes(tiny)].map(([name, shape]) => [bare(name), shape]));
    const renamed: ParameterValues = new Map([...values].map(([name, data]) => [bare(name), data]));
    for (const extra of ['h.0.attn.bias', 'h.0.attn.masked_bias', 'lm_head.weight']) {
      shapes.set(extra, [1]);
      renamed.set(extra, new Float32Array(1));
    }
    writeModelFolder(place('bare'), { config: tiny, shapes, values: renamed });
    const { parameters } = loadGpt2(place('bare'));
    expect([...parameters.keys()]).toEqual([...gpt2Shapes(tiny).keys()]);
    const name = 'transformer.h.1.attn.c_attn.weight';
    expect(parameters.get(name)!.dataSync()).toEqual(values.get(name));
  });

  test('half precision is read', () => {
    const values = initGpt2(tiny, 3);
    writeModelFolder(place('half'), { config: tiny, shapes: gpt2Shapes(tiny), values, dtype: 'F16' });
    const { parameters } = loadGpt2(place('half'));
    const loaded = [...parameters.get('transformer.wte.weight')!.dataSync()];
    expectClose(loaded, [...values.get('transformer.wte.weight')!], 1e-3);
  });

  const refused = (name: string, config: object, message: RegExp) =>
    test(name, () => {
      const bad = mkdtempSync(place('bad-'));
      writeModelFolder(bad, { config: tiny, shapes: gpt2Shapes(tiny), values: initGpt2(tiny, 3) });
      writeFileSync(path.join(bad, 'config.json'), JSON.stringify(config));
      expect(() => loadGpt2(bad)).toThrow(UserError);
      expect(() => loadGpt2(bad)).toThrow(message);
    });
  refused('another architecture is refused by name', { model_type: 'llama' }, /holds a llama/);
  refused(
    'an unknown activation is refused by name',
    { ...tiny, activation_function: 'mish' },
    /activation_function/,
  );
  refused('heads that do not divide the width are refused', { ...tiny, n_head: 3 }, /n_head 3/);
  refused(
    'weights of another size are listed',
    { ...tiny, vocab_size: 20, n_layer: 1 },
    /wte.weight has shape \[19, 8\] instead of \[20, 8\]; .*h\.1.* is unexpected; .*and \d+ more/,
  );

  test('a folder without weights, and no folder at all, are refused', () => {
    const empty = mkdtempSync(place('empty-'));
    writeFileSync(path.join(empty, 'config.json'), JSON.stringify(tiny));
    expect(() => loadGpt2(empty)).toThrow(/no model.safetensors/);
    expect(() => loadGpt2(place('nowhere'))).toThrow(/there is no model folder/);
  });
});

/** GPT-2 for one sequence in loops over doubles, following the paper rather than the code under test. */
function plainLogits(values: ParameterValues, config: Gpt2Config, tokens: number[]): number[][] {
  const { n_embd: width, n_head: heads } = config;
  const get = (name: string) => [...values.get(name)!];
  const affine = (x: number[], name: string) => {
    const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
    return bias.map((start, j) =>
      x.reduce((sum, value, i) => sum + value * weight[i * bias.length + j]!, start),
    );
  };
  const norm = (x: number[], name: string) => {
    const mean = x.reduce((sum, value) => sum + value, 0) / width;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const [gain, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
    return x.map(
      (value, i) => ((value - mean) / Math.sqrt(variance + config.layer_norm_epsilon)) * gain[i]! + bias[i]!,
    );
  };
  const activate = (x: number) =>
    config.activation_function === 'relu'
      ? Math.max(0, x)
      : (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  const wte = get('transformer.wte.weight');
  const wpe = get('transformer.wpe.weight');
  let rows = tokens.map((token, t) =>
    Array.from({ length: width }, (_, i) => wte[token * width + i]! + wpe[t * width + i]!),
  );
  for (let layer = 0; layer < config.n_layer; layer++) {
    const name = `transformer.h.${layer}`;
    const qkv = rows.map((x) => affine(norm(x, `${name}.ln_1`), `${name}.attn.c_attn`));
    const size = width / heads;
    let scale = config.scale_attn_weights ? 1 / Math.sqrt(size) : 1;
    if (config.scale_attn_by_inverse_layer_idx) scale /= layer + 1;
    rows = rows.map((x, t) => {
      const mixed = Array.from({ length: width }, (_, i) => {
        const start = Math.floor(i / size) * size;
        const scores = qkv.slice(0, t + 1).map((other) => {
          let dot = 0;
          for (let e = start; e < start + size; e++) dot += qkv[t]![e]! * other[width + e]!;
          return Math.exp(dot * scale);
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        return scores.reduce((sum, score, s) => sum + (score / total) * qkv[s]![2 * width + i]!, 0);
      });
      const out = affine(mixed, `${name}.attn.c_proj`);
      return x.map((value, i) => value + out[i]!);
    });
    rows = rows.map((x) => {
      const out = affine(
        affine(norm(x, `${name}.ln_2`), `${name}.mlp.c_fc`).map(activate),
        `${name}.mlp.c_proj`,
      );
      return x.map((value, i) => value + out[i]!);
    });
  }
  const head = config.tie_word_embeddings ? wte : get('lm_head.weight');
  return rows.map((x) => {
    const normal = norm(x, 'transformer.ln_f');
    return Array.from({ length: config.vocab_size }, (_, v) =>
      normal.reduce((sum, value, i) => sum + value * head[v * width + i]!, 0),
    );
  });
}
