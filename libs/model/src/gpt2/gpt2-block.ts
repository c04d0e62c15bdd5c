// N rows, D width
import { tf } from '@captrain/engine';
import type { MemoryConfig, PrecisionConfig } from '../config.js';
import { ACTIVATIONS } from '../ops/activation.js';
import { dropout } from '../ops/dropout.js';
import { layerNorm } from '../ops/layer-norm.js';
import { linear } from '../ops/linear.js';
import { parameter, type Parameters } from '../parameters.js';
import type { Gpt2Config } from './gpt2-config.js';

/** A GPT-2's config, the precision of its linear layers (float32 unless given), and what is kept for gradients. */
export type Gpt2Computation = Gpt2Config & Partial<PrecisionConfig & MemoryConfig>;

/** All parameters of one layer. */
export function blockParameters(parameters: Parameters, layer: number): tf.Tensor[] {
  const prefix = `transformer.h.${layer}.`;
  return [...parameters].filter(([name]) => name.startsWith(prefix)).map(([, value]) => value);
}

/** What one layer adds to x_ND, attention being the caller's: qkv_N(3D), queries, keys and values side by side, to ND. */
export function gpt2Block(
  parameters: Parameters,
  config: Gpt2Computation,
  layer: number,
  x_ND: tf.Tensor,
  { attend, seed_2 }: { attend: (qkv: tf.Tensor) => tf.Tensor; seed_2?: tf.Tensor1D | undefined },
): tf.Tensor2D {
  const name = `transformer.h.${layer}`;
  const conv = (part: string, x: tf.Tensor) =>
    linear(
      x,
      parameter(parameters, `${name}.${part}.weight`),
      parameter(parameters, `${name}.${part}.bias`),
      'in-out',
      config.precision,
    );
  /** What a branch adds to its input. */
  const residual = (part: string, x: tf.Tensor) =>
    dropout(conv(part, x), config.resid_pdrop, seed_2, `${name}.${part}`);
  const attended_ND = attend(conv('attn.c_attn', gpt2Norm(parameters, `${name}.ln_1`, x_ND, config)));
  const middle_ND = tf.add(x_ND, residual('attn.c_proj', attended_ND));
  const activate = ACTIVATIONS[config.activation_function];
  const inner = activate(conv('mlp.c_fc', gpt2Norm(parameters, `${name}.ln_2`, middle_ND, config)));
  return tf.add(middle_ND, residual('mlp.c_proj', inner));
}

/** What the scores of a layer's attention are scaled by. */
export function attentionScale(config: Gpt2Computation, layer: number): number {
  const byWidth = config.scale_attn_weights ? 1 / Math.sqrt(config.n_embd / config.n_head) : 1;
  return config.scale_attn_by_inverse_layer_idx ? byWidth / (layer + 1) : byWidth;
}

/** The layer norm of this name. */
export function gpt2Norm(
  parameters: Parameters,
  name: string,
  x: tf.Tensor,
  config: Gpt2Computation,
): tf.Tensor {
  const gain = parameter(parameters, `${name}.weight`);
  return layerNorm(x, gain, parameter(parameters, `${name}.bias`), config.layer_norm_epsilon);
}
