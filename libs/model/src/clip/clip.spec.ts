import { startEngine, tf } from '@captrain/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { tensorsOfValues } from '../load-parameters.js';
import {
  type Rows,
  expectClose,
  plainAdd,
  plainAffine,
  plainAttention,
  plainNorm,
  rowsOf,
} from '../plain-math.cases.js';
import { RandomStream } from '../random.js';
import { type ClipConfig, type TowerConfig, clipConfig, clipShapes } from './clip-config.js';
import { clipImageFeatures, clipTextFeatures } from './clip.js';
import { initClip } from './load-clip.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const tower = { hidden_size: 8, intermediate_size: 12, num_hidden_layers: 2, num_attention_heads: 2 };
const tiny = clipConfig.parse({
  projection_dim: 5,
  vision_config: { ...tower, image_size: 6, patch_size: 3 },
  text_config: { ...tower, hidden_size: 6, vocab_size: 11, max_position_embeddings: 7, eos_token_id: 10 },
});
const values = initClip(tiny, 3);
const pixels = (name: string) => new RandomStream(1, name).normal(6 * 6 * 3, 1);

function images(rows: Float32Array[], config: ClipConfig = tiny): Rows {
  const parameters = tensorsOfValues(clipShapes(config), values);
  const flat = Float32Array.from(rows.flatMap((row) => [...row]));
  return clipImageFeatures(parameters, config, tf.tensor4d(flat, [rows.length, 6, 6, 3])).arraySync();
}

function texts(tokens: number[][], config: ClipConfig = tiny): Rows {
  const parameters = tensorsOfValues(clipShapes(config), values);
  return clipTextFeatures(parameters, config, tf.tensor2d(tokens, undefined, 'int32')).arraySync();
}

describe('both towers equal CLIP written out in plain numbers', () => {
  test.each(['quick_gelu', 'gelu'] as const)('with %s', (hidden_act) => {
    const config: ClipConfig = {
      ...tiny,
      vision_config: { ...tiny.vision_config, hidden_act },
      text_config: { ...tiny.text_config, hidden_act },
    };
    const rows = [pixels('a'), pixels('b')];
    expectClose(
      images(rows, config),
      rows.map((row) => plainImage(config, row)),
    );
    const tokens = [
      [9, 1, 2, 10, 10],
      [9, 3, 4, 5, 10],
    ];
    expectClose(
      texts(tokens, config),
      tokens.map((row) => plainText(config, row)),
    );
  });
});

test('a text is pooled at its first end token: padding behind it changes nothing', () => {
  expectClose(texts([[9, 1, 10, 10, 10, 10]]), texts([[9, 1, 10]]));
});

test('configs of the old kind pool at the highest token id', () => {
  const legacy = { ...tiny, text_config: { ...tiny.text_config, eos_token_id: 2 } };
  expectClose(texts([[9, 2, 10, 0]], legacy), texts([[9, 2, 10]]));
});

test('both towers can be trained: every parameter that they use has a gradient', () => {
  const parameters = tensorsOfValues(clipShapes(tiny), values);
  const named = [...parameters].filter(([name]) => name !== 'logit_scale');
  const loss = () => {
    const image_BQ = clipImageFeatures(parameters, tiny, tf.tensor4d(pixels('a'), [1, 6, 6, 3]));
    const text_BQ = clipTextFeatures(parameters, tiny, tf.tensor2d([[9, 1, 2, 10]], undefined, 'int32'));
    return tf.sum(tf.mul(image_BQ, text_BQ)) as tf.Scalar;
  };
  const gradients = tf.grads(loss)(named.map(([, tensor]) => tensor));
  gradients.forEach((gradient, index) => {
    const [name, tensor] = named[index]!;
    expect(gradient.shape, name).toEqual(tensor.shape);
    // A key's bias moves all scores of a query alike, which softmax does not see.
    if (!name.endsWith('k_proj.bias'))
      expect(tf.max(tf.abs(gradient)).dataSync()[0], name).toBeGreaterThan(0);
  });
});

function plainTower(name: string, config: TowerConfig, start: Rows, causal: boolean): Rows {
  const activate = (x: number) =>
    config.hidden_act === 'gelu' ? (x / 2) * (1 + erf(x / Math.SQRT2)) : x / (1 + Math.exp(-1.702 * x));
  let rows = start;
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const root = `${name}.encoder.layers.${layer}`;
    const affine = (x: Rows, part: string) => x.map((row) => plainAffine(values, `${root}.${part}`, row));
    const normal = rows.map((row) => plainNorm(values, `${root}.layer_norm1`, row));
    const parts = {
      queries: affine(normal, 'self_attn.q_proj'),
      keys: affine(normal, 'self_attn.k_proj'),
      values: affine(normal, 'self_attn.v_proj'),
    };
    const attended = plainAttention(parts, { heads: config.num_attention_heads, causal });
    rows = plainAdd(rows, affine(attended, 'self_attn.out_proj'));
    const second = rows.map((row) => plainNorm(values, `${root}.layer_norm2`, row));
    const inner = affine(second, 'mlp.fc1').map((row) => row.map(activate));
    rows = plainAdd(rows, affine(inner, 'mlp.fc2'));
  }
  return rows;
}

function plainImage(config: ClipConfig, image: Float32Array): number[] {
  const { patch_size: patch, image_size: side, hidden_size: width } = config.vision_config;
  const kernel = values.get('vision_model.embeddings.patch_embedding.weight')!;
  const patches: Rows = [[...values.get('vision_model.embeddings.class_embedding')!]];
  for (let top = 0; top < side; top += patch)
    for (let left = 0; left < side; left += patch)
      patches.push(
        Array.from({ length: width }, (_, out) => {
          let sum = 0;
          for (let channel = 0; channel < 3; channel++)
            for (let y = 0; y < patch; y++)
              for (let x = 0; x < patch; x++)
                sum +=
                  image[((top + y) * side + left + x) * 3 + channel]! *
                  kernel[((out * 3 + channel) * patch + y) * patch + x]!;
          return sum;
        }),
      );
  const places = rowsOf(values.get('vision_model.embeddings.position_embedding.weight')!, width);
  const start = plainAdd(patches, places).map((row) => plainNorm(values, 'vision_model.pre_layrnorm', row));
  const [first] = plainTower('vision_model', config.vision_config, start, false);
  return plainAffine(values, 'visual_projection', plainNorm(values, 'vision_model.post_layernorm', first!));
}

function plainText(config: ClipConfig, tokens: number[]): number[] {
  const { hidden_size: width, eos_token_id: end } = config.text_config;
  const table = rowsOf(values.get('text_model.embeddings.token_embedding.weight')!, width);
  const places = rowsOf(values.get('text_model.embeddings.position_embedding.weight')!, width);
  const start = plainAdd(
    tokens.map((token) => table[token]!),
    places,
  );
  const rows = plainTower('text_model', config.text_config, start, true);
  const pooled = plainNorm(values, 'text_model.final_layer_norm', rows[tokens.indexOf(end)]!);
  return plainAffine(values, 'text_projection', pooled);
}

/** The error function by its Taylor series, for the small arguments that occur here. */
function erf(x: number): number {
  let [sum, term] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (sum * 2) / Math.sqrt(Math.PI);
}
