// B batch, H×W pixels or cells, C channels, D = 32·width channels of the last stage, T = 1 + H·W positions, Q projection
import { rawOp, tf } from '@captrain/engine';
import { attention, splitHeads } from '../../ops/attention.js';
import { linear } from '../../ops/linear.js';
import { addBias } from '../../ops/raw.js';
import { parameter, type Parameters } from '../../parameters.js';
import { type Block, type ResnetConfig, resnetBlocks } from './resnet-config.js';

/**
 * Embeddings_BQ of prepared pixels_BHWC, not normalised. The parameters are those of `foldBatchNorms`. Strided
 * convolutions are convolutions behind an average of 2×2 (antialiasing), and the last stage is pooled by attention of
 * its mean. Source: Radford et al. 2021, and OpenCLIP's modified_resnet.py.
 */
export function resnetFeatures(
  parameters: Parameters,
  config: ResnetConfig,
  pixels_BHWC: tf.Tensor,
): tf.Tensor2D {
  const [, height, width, channels] = pixels_BHWC.shape as [number, number, number, number];
  const { imageSize: side } = config;
  if (height !== side || width !== side || channels !== 3)
    throw new Error(`pictures of ${height}×${width}×${channels} for a CLIP of ${side}×${side}×3`);
  let x_BHWC = tf.relu(convolve(parameters, 'visual.conv1', pixels_BHWC, 2));
  for (const name of ['visual.conv2', 'visual.conv3']) x_BHWC = tf.relu(convolve(parameters, name, x_BHWC));
  x_BHWC = halve(x_BHWC);
  for (const block of resnetBlocks(config)) x_BHWC = bottleneck(parameters, block, x_BHWC);
  return attentionPool(parameters, config, x_BHWC);
}

function bottleneck(parameters: Parameters, { name, stride, isWidening }: Block, x_BHWC: tf.Tensor) {
  const first = tf.relu(convolve(parameters, `${name}.conv1`, x_BHWC));
  const second = tf.relu(convolve(parameters, `${name}.conv2`, first));
  const third = convolve(parameters, `${name}.conv3`, stride === 2 ? halve(second) : second);
  const around = isWidening
    ? convolve(parameters, `${name}.downsample.0`, stride === 2 ? halve(x_BHWC) : x_BHWC)
    : x_BHWC;
  return tf.relu(tf.add(third, around));
}

/** Pads as PyTorch does with half a kernel: alike on all sides, which TensorFlow's SAME is not where it strides. */
function convolve(parameters: Parameters, name: string, x_BHWC: tf.Tensor, stride = 1): tf.Tensor {
  const kernel = parameter(parameters, `${name}.weight`);
  const frame = (kernel.shape[0]! - 1) / 2;
  const [y_BHWC] = rawOp('Conv2D', [x_BHWC, kernel], {
    strides: { ints: [1, stride, stride, 1] },
    padding: { string: 'EXPLICIT' },
    explicit_paddings: { ints: [0, 0, frame, frame, frame, frame, 0, 0] },
  });
  return addBias(y_BHWC!, parameter(parameters, `${name}.bias`));
}

/** Means of 2×2 cells; an odd last row or column is left out. */
function halve(x_BHWC: tf.Tensor): tf.Tensor {
  return tf.avgPool(x_BHWC as tf.Tensor4D, 2, 2, 'valid');
}

function attentionPool(parameters: Parameters, { heads }: ResnetConfig, x_BHWC: tf.Tensor): tf.Tensor2D {
  const [batch, height, width, channels] = x_BHWC.shape as [number, number, number, number];
  const cells_BTD = tf.reshape(x_BHWC, [batch, height * width, channels]);
  const tokens_BTD = tf.add(
    tf.concat([tf.mean(cells_BTD, 1, true), cells_BTD], 1),
    parameter(parameters, 'visual.attnpool.positional_embedding'),
  );
  const affine = (name: string, x: tf.Tensor) =>
    linear(
      x,
      parameter(parameters, `visual.attnpool.${name}.weight`),
      parameter(parameters, `visual.attnpool.${name}.bias`),
      'out-in',
    );
  const tokens_ND = tf.reshape(tokens_BTD, [-1, channels]);
  const mean_BD = tf.reshape(tf.slice(tokens_BTD, [0, 0, 0], [batch, 1, channels]), [batch, channels]);
  const [queries] = splitHeads(affine('q_proj', mean_BD), batch, 1, heads);
  const [keys] = splitHeads(affine('k_proj', tokens_ND), batch, 1, heads);
  const [values] = splitHeads(affine('v_proj', tokens_ND), batch, 1, heads);
  const pooled_BD = attention(queries!, keys!, values!, Math.sqrt(heads / channels));
  return affine('c_proj', pooled_BD) as tf.Tensor2D;
}
