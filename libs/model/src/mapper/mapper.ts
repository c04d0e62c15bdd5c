// B batch, C width of the image embedding, P prefix positions, D width of the language model
import { tf } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import type { MapperConfig } from '../config.js';
import type { ParameterShapes, ParameterValues, Parameters } from '../parameters.js';
import { initMlpMapper, mapByMlp, mlpMapperShapes } from './mlp-mapper.js';
import { initTransformerMapper, mapByTransformer, transformerMapperShapes } from './transformer-mapper.js';

/** Widths of the embeddings that come in, and of the language model's that go out. */
export interface MapperWidths {
  embeddingDim: number;
  width: number;
}

/** Every parameter of a mapper, in layout order, named as in the reference. A config that cannot be is a UserError. */
export function mapperShapes(config: MapperConfig, widths: MapperWidths): ParameterShapes {
  if (config.mapper === 'mlp') return mlpMapperShapes(config, widths);
  if (widths.width % config.mapperHeads !== 0)
    throw new UserError(
      `mapperHeads ${config.mapperHeads} does not divide the language model's width ${widths.width}; choose a divisor.`,
    );
  return transformerMapperShapes(config, widths);
}

/** New weights with PyTorch's defaults, which the reference keeps. The same seed gives the same bits everywhere. */
export function initMapper(config: MapperConfig, widths: MapperWidths, seed: number): ParameterValues {
  const shapes = mapperShapes(config, widths);
  return config.mapper === 'mlp' ? initMlpMapper(shapes, seed) : initTransformerMapper(shapes, seed);
}

/** The prefix_BPD of image embeddings_BC. */
export function mapPrefix(
  parameters: Parameters,
  config: MapperConfig,
  embeddings_BC: tf.Tensor2D,
): tf.Tensor3D {
  const x_BC = config.normalizePrefix
    ? (tf.div(embeddings_BC, tf.norm(embeddings_BC, 2, 1, true)) as tf.Tensor2D)
    : embeddings_BC;
  return config.mapper === 'mlp'
    ? mapByMlp(parameters, config, x_BC)
    : mapByTransformer(parameters, config, x_BC);
}
