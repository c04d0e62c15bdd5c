// B batch, F frames, C width of an embedding, P prefix positions, D width of the language model
import { tf } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import type { MapperConfig, PrecisionConfig } from '../config.js';
import type { ParameterShapes, ParameterValues, Parameters } from '../parameters.js';
import { initMlpMapper, mapByMlp, mlpMapperShapes } from './mlp-mapper.js';
import { initTransformerMapper, mapByTransformer, transformerMapperShapes } from './transformer-mapper.js';

/** Widths of the embeddings that come in, and of the language model's that go out. */
export interface MapperWidths {
  embeddingDim: number;
  width: number;
}

/** A mapper's config, and the precision of its linear layers (float32 unless given). */
export type MapperComputation = MapperConfig & Partial<PrecisionConfig>;

/** Every parameter of a mapper, in layout order, named as in the reference. A config that cannot be is a UserError. */
export function mapperShapes(config: MapperConfig, widths: MapperWidths): ParameterShapes {
  if (config.mapper === 'mlp') {
    if (config.frames === 1) return mlpMapperShapes(config, widths);
    throw new UserError(
      `the mlp mapper takes one embedding, not sequences of up to ${config.frames}; use --mapper transformer, or --frames 1.`,
    );
  }
  if (widths.width % config.mapperHeads !== 0)
    throw new UserError(
      `mapperHeads ${config.mapperHeads} does not divide the language model's width ${widths.width}; choose a divisor.`,
    );
  return transformerMapperShapes(config, widths);
}

/** The weights that embeddings come to first, [outputs, embeddingDim]. */
export const firstWeight = {
  mlp: 'clip_project.model.0.weight',
  transformer: 'clip_project.linear.weight',
} as const;

/** Values of the embeddings that a mapper's weights are for; undefined where they are of another mapper. */
export function embeddingDimOf(
  { mapper }: Pick<MapperConfig, 'mapper'>,
  { tensors }: { tensors: ReadonlyMap<string, { readonly shape: readonly number[] }> },
): number | undefined {
  return tensors.get(firstWeight[mapper])?.shape[1];
}

/** New weights with PyTorch's defaults, which the reference keeps. The same seed gives the same bits everywhere. */
export function initMapper(config: MapperConfig, widths: MapperWidths, seed: number): ParameterValues {
  const shapes = mapperShapes(config, widths);
  return config.mapper === 'mlp' ? initMlpMapper(shapes, seed) : initTransformerMapper(shapes, seed);
}

/**
 * The prefix_BPD of image embeddings_BC, or of sequences embeddings_BFC, of which the first frames_B (int32) of each row
 * are real, or all where that is not given. What stands in the others, NaN even, has no effect.
 */
export function mapPrefix(
  parameters: Parameters,
  config: MapperComputation,
  embeddings: tf.Tensor2D | tf.Tensor3D,
  frames_B?: tf.Tensor1D,
): tf.Tensor3D {
  const x = config.normalizePrefix
    ? tf.div<tf.Tensor2D | tf.Tensor3D>(embeddings, tf.norm(embeddings, 2, -1, true))
    : embeddings;
  const [batch, width] = [x.shape[0], x.shape.at(-1)!];
  if (config.mapper === 'mlp') return mapByMlp(parameters, config, tf.reshape(x, [batch, width]));
  const x_BFC = tf.reshape(x, [batch, -1, width]) as tf.Tensor3D;
  return mapByTransformer(parameters, config, x_BFC, frames_B);
}
