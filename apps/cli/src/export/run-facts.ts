import { type ObjectStore, openStore, readManifest } from '@captrain/data';
import type { CheckpointManifest, Validation } from '@captrain/model/run';
import { UserError } from '@captrain/runtime';

/** What a run's folder and its data tell of a checkpoint. */
export interface RunFacts {
  step: number;
  epoch: number;
  /** Mean cross-entropy per caption token of the step's batch, where the run's metrics hold the step. */
  loss: number | undefined;
  /** Undefined where the checkpoint was not validated. */
  validation: Validation | undefined;
  /** SHA-256 of the data's manifest, as the checkpoint recorded it. */
  dataDigest: string;
  /** Undefined where the data are gone, or are others by now. */
  data: DataFacts | undefined;
}

export interface DataFacts {
  /** Its name on the hub with the commit, where it has one; else the name of its folder. */
  encoder: string;
  encoderRevision: string;
  /** Images and captions of the split that was trained on. */
  rows: number;
  captions: number;
  /** What the embeddings were made of: the data set's name, where it is recorded. */
  dataset: string | undefined;
}

export async function runFacts(store: ObjectStore, manifest: CheckpointManifest): Promise<RunFacts> {
  const { step, epoch, config, data, validation } = manifest;
  return {
    step,
    epoch,
    loss: await lossAt(store, step),
    validation,
    dataDigest: data,
    data: await dataFacts(config.data, config.split, data),
  };
}

async function lossAt(store: ObjectStore, step: number): Promise<number | undefined> {
  const text = await textIfThere(store, 'metrics.jsonl');
  for (const line of text?.split('\n') ?? []) {
    const metrics = parsed(line);
    if (metrics?.['step'] === step && typeof metrics['loss'] === 'number') return metrics['loss'];
  }
  return undefined;
}

async function dataFacts(uri: string, split: string, digest: string): Promise<DataFacts | undefined> {
  try {
    const store = await openStore(uri);
    const manifest = await readManifest(store);
    if (manifest.digest !== digest) return undefined;
    const { encoder, encoderRevision, shards } = manifest.content;
    const trained = shards.filter((shard) => shard.split === split);
    const sum = (key: 'rows' | 'captions') => trained.reduce((total, shard) => total + shard[key], 0);
    const { dataset, encoderFolder } = parsed((await textIfThere(store, 'embedding.json')) ?? '') ?? {};
    const isPinned = typeof encoderFolder === 'string' && encoderFolder.startsWith(`${encoder}@`);
    return {
      encoder: isPinned ? encoderFolder : encoder,
      encoderRevision,
      rows: sum('rows'),
      captions: sum('captions'),
      dataset: typeof dataset === 'string' ? dataset : undefined,
    };
  } catch (thrown) {
    if (thrown instanceof UserError) return undefined;
    throw thrown;
  }
}

async function textIfThere(store: ObjectStore, path: string): Promise<string | undefined> {
  return (await store.stat(path)) === undefined ? undefined : (await store.get(path)).toString('utf8');
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
