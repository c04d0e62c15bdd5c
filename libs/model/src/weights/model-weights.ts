import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { requireFolder } from '../read-json.js';
import { openWeights } from './open-weights.js';
import { openShards, readShardIndex } from './shard-index.js';
import type { WeightsFile } from './weights-file.js';

const INDEX_END = '.index.json';

/** Names of a model folder's weights, the first that is there counts: safetensors before PyTorch's. */
const WEIGHT_NAMES = ['model.safetensors', 'pytorch_model.bin'].flatMap((name) => [name, name + INDEX_END]);

/**
 * Opens a model's weights: those of a folder in Hugging Face layout (safetensors or PyTorch's, in one file or in
 * shards), or a weight file itself. Where there are none, a UserError names what is looked for.
 */
export async function openModelWeights(place: string): Promise<WeightsFile> {
  const file = weightsOf(place);
  return file.endsWith(INDEX_END) ? openShards(file) : openWeights(file);
}

/** The same as paths: one file, or the shards in the order of their names. */
export function weightFiles(place: string): readonly string[] {
  const file = weightsOf(place);
  return file.endsWith(INDEX_END) ? readShardIndex(file).shards : [file];
}

function weightsOf(place: string): string {
  requireFolder(place);
  if (statSync(place).isFile()) return place;
  const name = WEIGHT_NAMES.find((each) => existsSync(path.join(place, each)));
  if (name !== undefined) return path.join(place, name);
  throw new UserError(`${place} has none of ${WEIGHT_NAMES.join(', ')}; put the model's weights there.`);
}
