import type { tf } from '@captrain/engine';
import { type ClipConfig, textShapes, visionShapes } from './clip-config.js';
import { clipImageFeatures, clipTextFeatures } from './clip.js';
import type { Parameters, ParameterShapes } from '../parameters.js';

/** A CLIP with its weights, of whatever kind and from whatever files. Its owner disposes the parameters. */
export interface ClipModel {
  /** Values of one embedding. */
  readonly dim: number;
  readonly vision: VisionTower;
  /** Undefined where the files hold the picture tower alone. */
  readonly text: TextTower | undefined;
  readonly parameters: Parameters;
}

export interface VisionTower {
  /** Pixels of a picture's side. */
  readonly side: number;
  /** Embeddings_BQ, not normalised, of prepared pixels_BHWC. */
  features(pixels_BHWC: tf.Tensor): tf.Tensor2D;
}

export interface TextTower {
  /** Tokens that there is room for, start and end included. */
  readonly positions: number;
  /** Token ids that there are embeddings for. */
  readonly vocabulary: number;
  /** Embeddings_BQ, not normalised, of token ids_BT (int32). */
  features(tokens_BT: tf.Tensor): tf.Tensor2D;
}

/** The vision Transformer of CLIP; parameters as `visionShapes` lists them. */
export function vitTower(config: ClipConfig, parameters: Parameters): VisionTower {
  return {
    side: config.vision_config.image_size,
    features: (pixels_BHWC) => clipImageFeatures(parameters, config, pixels_BHWC),
  };
}

/** The text tower of every CLIP; parameters as `textShapes` lists them. */
export function textTower(config: ClipConfig, parameters: Parameters): TextTower {
  const { max_position_embeddings: positions, vocab_size: vocabulary } = config.text_config;
  return {
    positions,
    vocabulary,
    features: (tokens_BT) => clipTextFeatures(parameters, config, tokens_BT),
  };
}

/** What a CLIP of two Transformers needs for embeddings: all but the temperature of its training. */
export function embeddingShapes(config: ClipConfig): ParameterShapes {
  return new Map([...textShapes(config), ...visionShapes(config)]);
}
