// B batch, C width of the image embedding, K clip positions, P prefix positions, T = K + P, N = B·T rows, D width, H heads, E = D/H
import { tf } from '@captrain/engine';
import type { MapperConfig } from '../config.js';
import { ACTIVATIONS } from '../ops/activation.js';
import { attention, splitHeads } from '../ops/attention.js';
import { layerNorm } from '../ops/layer-norm.js';
import { linear } from '../ops/linear.js';
import { parameter, type ParameterShapes, type ParameterValues, type Parameters } from '../parameters.js';
import { RandomStream } from '../random.js';
import type { MapperWidths } from './mapper.js';
import { initTorchLinear } from './torch-linear.js';

/** The inner width of a layer's MLP, over its width. */
const MLP_RATIO = 2;
const EPSILON = 1e-5;
const ROOT = 'clip_project.transformer.layers';

/**
 * The embedding becomes K positions; P learned constants follow them; pre-norm layers without a causal mask; what
 * stands at the constants' positions is the prefix. Source: `TransformerMapper` in the reference's train.py.
 */
export function transformerMapperShapes(
  config: Pick<MapperConfig, 'prefixLength' | 'clipLength' | 'mapperLayers'>,
  { embeddingDim, width }: MapperWidths,
): ParameterShapes {
  const shapes = new Map<string, number[]>([
    ['clip_project.prefix_const', [config.prefixLength, width]],
    ['clip_project.linear.weight', [config.clipLength * width, embeddingDim]],
    ['clip_project.linear.bias', [config.clipLength * width]],
  ]);
  for (let layer = 0; layer < config.mapperLayers; layer++) {
    const entries: [string, number[]][] = [
      ['norm1.weight', [width]],
      ['norm1.bias', [width]],
      ['attn.to_queries.weight', [width, width]],
      ['attn.to_keys_values.weight', [2 * width, width]],
      ['attn.project.weight', [width, width]],
      ['attn.project.bias', [width]],
      ['norm2.weight', [width]],
      ['norm2.bias', [width]],
      ['mlp.fc1.weight', [MLP_RATIO * width, width]],
      ['mlp.fc1.bias', [MLP_RATIO * width]],
      ['mlp.fc2.weight', [width, MLP_RATIO * width]],
      ['mlp.fc2.bias', [width]],
    ];
    for (const [name, shape] of entries) shapes.set(`${ROOT}.${layer}.${name}`, shape);
  }
  return shapes;
}

export function initTransformerMapper(shapes: ParameterShapes, seed: number): ParameterValues {
  const values: ParameterValues = new Map();
  for (const [name, shape] of shapes) {
    const count = shape.reduce((product, size) => product * size, 1);
    const layer = name.slice(0, name.lastIndexOf('.'));
    if (name.endsWith('prefix_const')) values.set(name, new RandomStream(seed, name).normal(count, 1));
    else if (/\.norm\d$/.test(layer))
      values.set(name, new Float32Array(count).fill(name.endsWith('weight') ? 1 : 0));
    else if (name.endsWith('.weight')) initTorchLinear(values, shapes, layer, seed);
  }
  return values;
}

export function mapByTransformer(
  parameters: Parameters,
  config: Pick<MapperConfig, 'prefixLength' | 'clipLength' | 'mapperLayers' | 'mapperHeads'>,
  embeddings_BC: tf.Tensor2D,
): tf.Tensor3D {
  const batch = embeddings_BC.shape[0];
  const constants_PD = parameter(parameters, 'clip_project.prefix_const');
  const [prefixLength, width] = constants_PD.shape as [number, number];
  const clip_BKD = tf.reshape(layer(parameters, 'clip_project.linear', embeddings_BC), [
    batch,
    config.clipLength,
    width,
  ]);
  const constants_BPD = tf.tile(tf.expandDims(constants_PD, 0), [batch, 1, 1]);
  const positions = config.clipLength + prefixLength;
  const start_BTD = tf.concat([clip_BKD, constants_BPD], 1);
  let x_ND: tf.Tensor = tf.reshape(start_BTD, [batch * positions, width]);
  for (let index = 0; index < config.mapperLayers; index++)
    x_ND = transformerLayer(parameters, `${ROOT}.${index}`, x_ND, batch, config.mapperHeads);
  const x_BTD = tf.reshape(x_ND, [batch, positions, width]);
  return tf.slice(x_BTD, [0, config.clipLength, 0], [batch, prefixLength, width]) as tf.Tensor3D;
}

function transformerLayer(
  parameters: Parameters,
  name: string,
  x_ND: tf.Tensor,
  batch: number,
  heads: number,
): tf.Tensor {
  const normal_ND = norm(parameters, `${name}.norm1`, x_ND);
  const [queries] = splitHeads(layer(parameters, `${name}.attn.to_queries`, normal_ND), batch, 1, heads);
  const [keys, values] = splitHeads(
    layer(parameters, `${name}.attn.to_keys_values`, normal_ND),
    batch,
    2,
    heads,
  );
  const scale = Math.sqrt(heads / x_ND.shape[1]!);
  const attended_ND = attention(queries!, keys!, values!, scale);
  const middle_ND = tf.add(x_ND, layer(parameters, `${name}.attn.project`, attended_ND));
  const inner = ACTIVATIONS.relu(
    layer(parameters, `${name}.mlp.fc1`, norm(parameters, `${name}.norm2`, middle_ND)),
  );
  return tf.add(middle_ND, layer(parameters, `${name}.mlp.fc2`, inner));
}

function layer(parameters: Parameters, name: string, x: tf.Tensor): tf.Tensor {
  return linear(x, parameter(parameters, `${name}.weight`), parameters.get(`${name}.bias`), 'out-in');
}

function norm(parameters: Parameters, name: string, x: tf.Tensor): tf.Tensor {
  return layerNorm(
    x,
    parameter(parameters, `${name}.weight`),
    parameter(parameters, `${name}.bias`),
    EPSILON,
  );
}
