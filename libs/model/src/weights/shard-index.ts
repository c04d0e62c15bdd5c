import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';
import { openWeights } from './open-weights.js';
import { printable, quoted, shown } from './quoted.js';
import { requireUniqueNames } from './unique-names.js';
import type { WeightTensor, WeightsFile } from './weights-file.js';

/** What an index of shards (`model.safetensors.index.json`) says. */
export interface ShardIndex {
  /** Paths of the shards, in the order of their names. */
  readonly shards: readonly string[];
  /** The shard of each tensor, by the file's name. */
  readonly shardOf: ReadonlyMap<string, string>;
}

/** Reads an index. A shard that is missing or lies outside of the index's folder is a UserError that names it. */
export function readShardIndex(file: string): ShardIndex {
  const folder = path.dirname(file);
  const shardOf = new Map(Object.entries(weightMap(file)));
  const names = [...new Set(shardOf.values())].sort();
  for (const name of names) {
    if (name === '' || name === '..' || path.basename(name) !== name || name.includes('\\'))
      throw new UserError(`${file} names ${quoted(name)}, which is no file of its folder; fetch it again.`);
    if (!existsSync(path.join(folder, name)))
      throw new UserError(`${file} names ${quoted(name)}, which is missing beside it; fetch that file too.`);
  }
  return { shards: names.map((name) => path.join(folder, name)), shardOf };
}

/**
 * Opens the shards of an index as one file. Each tensor must be in the shard that the index names, and in no other:
 * a shard's tensor that the index does not list is refused as well (transformers passes over it), because index and
 * shards that disagree come from different exports, and nothing says which of them is meant.
 */
export async function openShards(file: string): Promise<WeightsFile> {
  const { shards, shardOf } = readShardIndex(file);
  const tensors = new Map<string, WeightTensor>();
  for (const shard of shards) {
    for (const [name, tensor] of (await openWeights(shard)).tensors) {
      const listed = shardOf.get(name);
      if (listed !== path.basename(shard))
        throw new UserError(
          `${shard} holds tensor ${quoted(name)}, which ${file} ` +
            `${listed === undefined ? 'does not list' : `places in ${listed}`}; fetch index and files of one export.`,
        );
      tensors.set(name, tensor);
    }
  }
  for (const [name, shard] of shardOf)
    if (!tensors.has(name))
      throw new UserError(
        `${path.join(path.dirname(file), shard)} lacks tensor ${quoted(name)}, which ${file} places there; ` +
          'fetch index and files of one export.',
      );
  return { place: file, metadata: {}, tensors };
}

function weightMap(file: string): Record<string, string> {
  let parsed: unknown;
  try {
    const json = readFileSync(file, 'utf8');
    parsed = JSON.parse(json);
    requireUniqueNames(json);
  } catch (cause) {
    throw new UserError(`cannot read ${file}: ${printable(messageOf(cause))}; fetch it again.`, { cause });
  }
  const map = (parsed as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new UserError(`${file} has no weight_map; fetch it again.`);
  for (const [name, shard] of Object.entries(map))
    if (typeof shard !== 'string')
      throw new UserError(`${file} places tensor ${quoted(name)} in ${shown(shard)}; fetch it again.`);
  return map as Record<string, string>;
}
