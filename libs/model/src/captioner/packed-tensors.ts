import { tf } from '@captrain/engine';
import { type SequenceTensors, sequenceTensors } from './sequence-tensors.js';
import type { PackedBatch } from './packed-batch.js';

/** A packed batch as tensors: the same names hold the same values. */
export interface PackedTensors {
  embeddings_IFC: tf.Tensor3D;
  frames_I?: tf.Tensor1D | undefined;
  tokens_M: tf.Tensor1D;
  positions_N: tf.Tensor1D;
  segments_S3: tf.Tensor2D;
  predicting_R: tf.Tensor1D;
  targets_T: tf.Tensor1D;
  targetRows_T: tf.Tensor1D;
}

/** Makes the tensors of a batch, which the caller disposes. Throws where embeddings do not fit the mapper. */
export function packedTensors(
  packed: PackedBatch,
  options: { embeddingDim: number; most: number },
): PackedTensors {
  const { embeddings_BFC, frames_B }: SequenceTensors = sequenceTensors(packed, options);
  return {
    embeddings_IFC: embeddings_BFC,
    frames_I: frames_B,
    tokens_M: tf.tensor1d(packed.tokens_M, 'int32'),
    positions_N: tf.tensor1d(packed.positions_N, 'int32'),
    segments_S3: tf.tensor2d(packed.segments_S3, [packed.segments_S3.length / 3, 3], 'int32'),
    predicting_R: tf.tensor1d(packed.predicting_R, 'int32'),
    targets_T: tf.tensor1d(packed.targets_T, 'int32'),
    targetRows_T: tf.tensor1d(packed.targetRows_T, 'int32'),
  };
}
