// B batch, C width of the image embedding, P prefix positions, D width of the language model
import { tf } from '@captrain/engine';
import type { MapperConfig } from '../config.js';
import { linear } from '../ops/linear.js';
import { parameter, type ParameterShapes, type ParameterValues, type Parameters } from '../parameters.js';
import type { MapperComputation, MapperWidths } from './mapper.js';
import { initTorchLinear } from './torch-linear.js';

/** Two linear maps with tanh between: C → D·P/2 → D·P. Source: `MLP` in the reference's train.py. */
export function mlpMapperShapes(
  config: Pick<MapperConfig, 'prefixLength'>,
  { embeddingDim, width }: MapperWidths,
): ParameterShapes {
  const outputs = width * config.prefixLength;
  const inner = Math.floor(outputs / 2);
  return new Map([
    ['clip_project.model.0.weight', [inner, embeddingDim]],
    ['clip_project.model.0.bias', [inner]],
    ['clip_project.model.2.weight', [outputs, inner]],
    ['clip_project.model.2.bias', [outputs]],
  ]);
}

export function initMlpMapper(shapes: ParameterShapes, seed: number): ParameterValues {
  const values: ParameterValues = new Map();
  for (const layer of [0, 2]) initTorchLinear(values, shapes, `clip_project.model.${layer}`, seed);
  return values;
}

export function mapByMlp(
  parameters: Parameters,
  config: Pick<MapperComputation, 'prefixLength' | 'precision'>,
  embeddings_BC: tf.Tensor2D,
): tf.Tensor3D {
  const layer = (index: number, x: tf.Tensor) =>
    linear(
      x,
      parameter(parameters, `clip_project.model.${index}.weight`),
      parameter(parameters, `clip_project.model.${index}.bias`),
      'out-in',
      config.precision,
    );
  const prefix = layer(2, tf.tanh(layer(0, embeddings_BC)));
  return tf.reshape(prefix, [embeddings_BC.shape[0], config.prefixLength, -1]);
}
