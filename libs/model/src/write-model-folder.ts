import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ParameterShapes } from './parameters.js';
import type { TensorToWrite, WritableDtype } from './weights/write-safetensors.js';
import { type WrittenFile, writeWeights } from './weights/write-weights.js';

/** A model to write: its config, and the values of its parameters. */
export interface ModelToWrite {
  config: object;
  shapes: ParameterShapes;
  /** Each parameter's values, or what gives them when their turn comes. */
  values: ReadonlyMap<string, TensorToWrite['data']>;
  /** F32 by default; F16 and BF16 halve the file and round. */
  dtype?: WritableDtype;
  /** Bytes of tensors in one file, at most. */
  maxShardBytes?: number;
}

/**
 * Writes config.json and the weights (model.safetensors, or shards and their index) of a model folder in Hugging Face
 * layout, making the folder where it is missing; a tokenizer or a preprocessor_config.json is the caller's to add.
 */
export function writeModelFolder(folder: string, model: ModelToWrite): WrittenFile[] {
  const { config, shapes, values, dtype = 'F32', maxShardBytes } = model;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const tensors = new Map(
    [...shapes].map(([name, shape]) => [name, { shape, data: values.get(name)!, dtype }]),
  );
  return writeWeights(folder, tensors, maxShardBytes === undefined ? {} : { maxShardBytes });
}
