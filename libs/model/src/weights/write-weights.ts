import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';
import { safetensorsParts, type TensorToWrite, writtenBytes } from './write-safetensors.js';

/** Node refuses to write 2 GiB and more in one call. */
const MOST_AT_ONCE = 2 ** 30;

/** What is known of a file that was written. */
export interface WrittenFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface WriteWeightsOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Bytes of tensors in one file, at most (a larger tensor has a file of its own); 5 GB, as on the hub, by default. */
  readonly maxShardBytes?: number;
}

/**
 * Writes a safetensors file part by part, so that it is never in memory as a whole, and takes its digest on the way. The
 * file appears under its name when it is complete. What the disk refuses is a UserError.
 */
export function writeSafetensorsFile(
  file: string,
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): WrittenFile {
  const temporary = `${file}.partial`;
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const descriptor = openSync(temporary, 'w');
    try {
      for (const part of safetensorsParts(tensors, metadata)) {
        hash.update(part);
        for (let done = 0; done < part.length;)
          done += writeSync(descriptor, part, done, Math.min(part.length - done, MOST_AT_ONCE));
        bytes += part.length;
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw new UserError(`cannot write ${file}: ${messageOf(cause)}.`, { cause });
  }
  return { name: path.basename(file), bytes, sha256: hash.digest('hex') };
}

/**
 * Writes a model's weights into an existing folder, named as on the hub: `model.safetensors`, or from a certain size on
 * `model-00001-of-00002.safetensors` and the index of them. Weights of the other form that stood there go, because readers
 * would take them for the model's.
 */
export function writeWeights(
  folder: string,
  tensors: ReadonlyMap<string, TensorToWrite>,
  { metadata = { format: 'pt' }, maxShardBytes = 5e9 }: WriteWeightsOptions = {},
): WrittenFile[] {
  const single = path.join(folder, 'model.safetensors');
  const index = `${single}.index.json`;
  const shards = shardsOf(tensors, maxShardBytes);
  if (shards.length <= 1) {
    const written = writeSafetensorsFile(single, tensors, metadata);
    rmSync(index, { force: true });
    return [written];
  }
  const count = String(shards.length).padStart(5, '0');
  const weight_map: Record<string, string> = {};
  const files = shards.map((shard, i) => {
    const name = `model-${String(i + 1).padStart(5, '0')}-of-${count}.safetensors`;
    for (const tensor of shard.keys()) weight_map[tensor] = name;
    return writeSafetensorsFile(path.join(folder, name), shard, metadata);
  });
  const total_size = [...tensors.values()].reduce((sum, tensor) => sum + writtenBytes(tensor), 0);
  writeFileSync(index, `${JSON.stringify({ metadata: { total_size }, weight_map }, null, 2)}\n`);
  if (existsSync(single)) rmSync(single);
  return files;
}

/** The tensors in their order, cut where a file would become too large. */
function shardsOf(
  tensors: ReadonlyMap<string, TensorToWrite>,
  maxBytes: number,
): Map<string, TensorToWrite>[] {
  const shards: Map<string, TensorToWrite>[] = [];
  let bytes = Infinity;
  for (const [name, tensor] of tensors) {
    bytes += writtenBytes(tensor);
    if (bytes > maxBytes) {
      shards.push(new Map());
      bytes = writtenBytes(tensor);
    }
    shards.at(-1)!.set(name, tensor);
  }
  return shards;
}
