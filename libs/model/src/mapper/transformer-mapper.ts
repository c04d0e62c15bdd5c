// B batch, F frames, C width of an embedding, K clip positions of a frame, P prefix positions, T = F·K + P,
// N = B·T rows, D width
import { hasKernels, tf } from '@captrain/engine';
import type { MapperConfig } from '../config.js';
import { ACTIVATIONS } from '../ops/activation.js';
import { attention, splitHeads } from '../ops/attention.js';
import { layerNorm } from '../ops/layer-norm.js';
import { linear } from '../ops/linear.js';
import { packedAttention } from '../ops/packed-attention.js';
import { parameter, type ParameterShapes, type ParameterValues, type Parameters } from '../parameters.js';
import { RandomStream } from '../random.js';
import type { MapperComputation, MapperWidths } from './mapper.js';
import { initTorchLinear } from './torch-linear.js';

/** The inner width of a layer's MLP, over its width. */
const MLP_RATIO = 2;
const EPSILON = 1e-5;
const ROOT = 'clip_project.transformer.layers';
const PLACES = 'clip_project.frame_positions';

/**
 * The embedding becomes K positions; P learned constants follow them; pre-norm layers without a causal mask; what
 * stands at the constants' positions is the prefix. Source: `TransformerMapper` in the reference's train.py.
 *
 * The reference takes one embedding. Of a sequence, each frame becomes K positions by the same linear map, and the
 * learned vector of its place is added to them; with `frames` 1 there is no such vector, and it is the reference.
 */
export function transformerMapperShapes(
  config: Pick<MapperConfig, 'prefixLength' | 'clipLength' | 'mapperLayers' | 'frames'>,
  { embeddingDim, width }: MapperWidths,
): ParameterShapes {
  const shapes = new Map<string, number[]>([
    ['clip_project.prefix_const', [config.prefixLength, width]],
    ['clip_project.linear.weight', [config.clipLength * width, embeddingDim]],
    ['clip_project.linear.bias', [config.clipLength * width]],
  ]);
  if (config.frames > 1) shapes.set(PLACES, [config.frames, width]);
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

/** The places of frames begin at 0, so that a mapper's first frame does at first what an image's mapper does. */
export function initTransformerMapper(shapes: ParameterShapes, seed: number): ParameterValues {
  const values: ParameterValues = new Map();
  for (const [name, shape] of shapes) {
    const count = shape.reduce((product, size) => product * size, 1);
    const layer = name.slice(0, name.lastIndexOf('.'));
    if (name === PLACES) values.set(name, new Float32Array(count));
    else if (name.endsWith('prefix_const')) values.set(name, new RandomStream(seed, name).normal(count, 1));
    else if (/\.norm\d$/.test(layer))
      values.set(name, new Float32Array(count).fill(name.endsWith('weight') ? 1 : 0));
    else if (name.endsWith('.weight')) initTorchLinear(values, shapes, layer, seed);
  }
  return values;
}

export function mapByTransformer(
  parameters: Parameters,
  config: MapperComputation,
  embeddings_BFC: tf.Tensor3D,
  frames_B?: tf.Tensor1D,
): tf.Tensor3D {
  const [batch, frames] = embeddings_BFC.shape;
  const constants_PD = parameter(parameters, 'clip_project.prefix_const');
  const [prefixLength, width] = constants_PD.shape as [number, number];
  const real_BF = frames_B && realFrames(frames_B, frames);
  const x_BFC =
    real_BF === undefined
      ? embeddings_BFC
      : tf.where(tf.expandDims(real_BF, 2), embeddings_BFC, tf.zerosLike(embeddings_BFC));
  const clip_BFKD = tf.reshape(layer(parameters, 'clip_project.linear', x_BFC, config), [
    batch,
    frames,
    config.clipLength,
    width,
  ]);
  const clipLength = frames * config.clipLength;
  const clip_BKD = tf.reshape(placed(parameters, config, clip_BFKD), [batch, clipLength, width]);
  const constants_BPD = tf.tile(tf.expandDims(constants_PD, 0), [batch, 1, 1]);
  const positions = clipLength + prefixLength;
  const start_BTD = tf.concat([clip_BKD, constants_BPD], 1);
  const bias = real_BF && paddingBias(real_BF, config.clipLength, prefixLength);
  let x_ND: tf.Tensor = tf.reshape(start_BTD, [batch * positions, width]);
  for (let index = 0; index < config.mapperLayers; index++)
    x_ND = transformerLayer(parameters, `${ROOT}.${index}`, x_ND, { batch, config, bias });
  const x_BTD = tf.reshape(x_ND, [batch, positions, width]);
  return tf.slice(x_BTD, [0, clipLength, 0], [batch, prefixLength, width]) as tf.Tensor3D;
}

/** Adds the vector of its place to every frame's positions. */
function placed(parameters: Parameters, config: MapperConfig, clip_BFKD: tf.Tensor): tf.Tensor {
  const frames = clip_BFKD.shape[1]!;
  if (frames > config.frames)
    throw new Error(`${frames} embeddings where the mapper takes up to ${config.frames}`);
  if (config.frames === 1) return clip_BFKD;
  const places_FD = tf.slice(parameter(parameters, PLACES), [0, 0], [frames, -1]);
  return tf.add(clip_BFKD, tf.expandDims(places_FD, 1));
}

/** Which frames are real, as booleans BF. */
function realFrames(frames_B: tf.Tensor1D, frames: number): tf.Tensor2D {
  return tf.less(tf.range(0, frames, 1, 'int32'), tf.expandDims(frames_B, 1));
}

/** What hides the positions of padding from all others: bias_B11T. */
function paddingBias(real_BF: tf.Tensor2D, clipLength: number, prefixLength: number): tf.Tensor {
  const [batch, frames] = real_BF.shape;
  const hidden_BF1 = tf.expandDims(tf.mul(tf.sub(tf.cast(real_BF, 'float32'), 1), 1e9), 2);
  const hidden_BK = tf.reshape(tf.tile(hidden_BF1, [1, 1, clipLength]), [batch, frames * clipLength]);
  const bias_BT = tf.concat([hidden_BK, tf.zeros([batch, prefixLength])], 1);
  return tf.reshape(bias_BT, [batch, 1, 1, -1]);
}

function transformerLayer(
  parameters: Parameters,
  name: string,
  x_ND: tf.Tensor,
  context: { batch: number; config: MapperComputation; bias: tf.Tensor | undefined },
): tf.Tensor {
  const { batch, config, bias } = context;
  const heads = config.mapperHeads;
  const affine = (part: string, x: tf.Tensor) => layer(parameters, `${name}.${part}`, x, config);
  const normal_ND = norm(parameters, `${name}.norm1`, x_ND);
  const parts = {
    queries: affine('attn.to_queries', normal_ND),
    keysValues: affine('attn.to_keys_values', normal_ND),
  };
  const scale = Math.sqrt(heads / x_ND.shape[1]!);
  const attended_ND =
    bias === undefined && hasKernels()
      ? packedAttention(parts, evenSegments(batch, x_ND.shape[0]! / batch), { heads, scale, causal: false })
      : paddedAttention(parts, { batch, heads, scale, bias });
  const middle_ND = tf.add(x_ND, affine('attn.project', attended_ND));
  const inner = ACTIVATIONS.relu(affine('mlp.fc1', norm(parameters, `${name}.norm2`, middle_ND)));
  return tf.add(middle_ND, affine('mlp.fc2', inner));
}

/** Attention of sequences of one length, some of whose positions `bias` hides. */
function paddedAttention(
  { queries, keysValues }: { queries: tf.Tensor; keysValues: tf.Tensor },
  { batch, heads, scale, bias }: { batch: number; heads: number; scale: number; bias: tf.Tensor | undefined },
): tf.Tensor {
  const [queries_BHTE] = splitHeads(queries, batch, 1, heads);
  const [keys_BHTE, values_BHTE] = splitHeads(keysValues, batch, 2, heads);
  return attention(queries_BHTE!, keys_BHTE!, values_BHTE!, scale, bias);
}

/** Segments of a batch of sequences of one length, whose rows see all of their own sequence's. */
function evenSegments(batch: number, positions: number): tf.Tensor2D {
  const ends = Array.from({ length: batch }, (_, index) => [index * positions, (index + 1) * positions]);
  return tf.tensor2d(
    ends.map((range) => [...range, ...range]),
    [batch, 4],
    'int32',
  );
}

function layer(
  parameters: Parameters,
  name: string,
  x: tf.Tensor,
  { precision }: MapperComputation,
): tf.Tensor {
  const bias = parameters.get(`${name}.bias`);
  return linear(x, parameter(parameters, `${name}.weight`), bias, 'out-in', precision);
}

function norm(parameters: Parameters, name: string, x: tf.Tensor): tf.Tensor {
  return layerNorm(
    x,
    parameter(parameters, `${name}.weight`),
    parameter(parameters, `${name}.bias`),
    EPSILON,
  );
}
