import { z } from 'zod';

/**
 * What every vector of a data set has in common. It stands in the manifest and, as JSON under the key `captrain`, in the
 * schema metadata of every shard.
 */
export const embeddingContract = z.strictObject({
  encoder: z.string().min(1).describe('model that made the vectors: a hub id, or the name of a model folder'),
  encoderRevision: z.string().min(1).describe("the hub's revision, or sha256:… of the weight file"),
  dim: z.int().min(1).max(65_536).describe('values of a vector'),
  dtype: z.enum(['float16', 'float32']).describe('how a value is stored'),
  normalized: z.boolean().describe('whether every vector has length 1'),
  preprocessing: z.string().describe('from file to pixels: size, crop, resampling, mean and deviation'),
  software: z.string().min(1).describe('program and version that wrote the data'),
});
export type EmbeddingContract = z.infer<typeof embeddingContract>;

/** One image. Float32 vectors in memory, whatever the files hold. */
export interface EmbeddingRow {
  readonly imageId: string;
  /** [dim], finite. */
  readonly embedding: Float32Array;
  /** Empty where there are none. */
  readonly captions: readonly string[];
}
