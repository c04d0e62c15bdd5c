import { NotFoundError, type ObjectStore } from '@captrain/data';
import { UserError, messageOf } from '@captrain/runtime';
import { z } from 'zod';
import { trainingConfig } from './run-config.js';

/** The files of every checkpoint: the trainable parameters, and AdamW's state of them. */
export const MODEL_FILE = 'model.safetensors';
export const OPTIMIZER_FILE = 'optimizer.safetensors';

/** Holds the folder name of the newest complete checkpoint. Written last. */
const LATEST = 'checkpoints/LATEST';

const fileEntry = z.strictObject({ bytes: z.number().int().min(0), sha256: z.string().length(64) });

export const checkpointManifest = z.strictObject({
  format: z.literal(1),
  /** Updates done. */
  step: z.number().int().min(0),
  epoch: z.number().int().min(0),
  /** Captions of the epoch that have been trained on. */
  position: z.number().int().min(0),
  config: trainingConfig,
  /** SHA-256 of the data's manifest. */
  data: z.string().length(64),
  files: z.record(z.string(), fileEntry),
});
export type CheckpointManifest = z.infer<typeof checkpointManifest>;

export interface Checkpoint {
  /** Relative to the run: `checkpoints/step-00000100`. */
  readonly folder: string;
  readonly manifest: CheckpointManifest;
}

export function checkpointFolder(step: number): string {
  return `checkpoints/step-${String(step).padStart(8, '0')}`;
}

/** The newest complete checkpoint of a run, or undefined where it has none. Throws a UserError on a damaged one. */
export async function latestCheckpoint(run: ObjectStore): Promise<Checkpoint | undefined> {
  const latest = await readIfThere(run, LATEST);
  if (latest === undefined) return undefined;
  const folder = `checkpoints/${latest.toString('utf8').trim()}`;
  const remedy = "put another checkpoint's name into LATEST";
  const checkpoint = await readCheckpoint(run, folder, remedy);
  if (checkpoint !== undefined) return checkpoint;
  throw new UserError(`${run.uri}/${LATEST} names ${folder}, which has no manifest.json; ${remedy}.`);
}

/** The checkpoint of a step. Throws a UserError that lists the steps there are where it is none of them. */
export async function checkpointAt(run: ObjectStore, step: number): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(run, checkpointFolder(step), 'take another');
  if (checkpoint !== undefined) return checkpoint;
  const steps: number[] = [];
  for await (const { path } of run.list('checkpoints/step-')) {
    const found = /^checkpoints\/step-(\d+)\/manifest\.json$/.exec(path);
    if (found) steps.push(Number(found[1]));
  }
  const known = steps.length === 0 ? 'it has none yet' : `it has those of ${steps.join(', ')}`;
  throw new UserError(`${run.uri} has no checkpoint of step ${step}; ${known}.`);
}

async function readCheckpoint(
  run: ObjectStore,
  folder: string,
  remedy: string,
): Promise<Checkpoint | undefined> {
  const path = `${folder}/manifest.json`;
  const bytes = await readIfThere(run, path);
  if (bytes === undefined) return undefined;
  try {
    return { folder, manifest: checkpointManifest.parse(JSON.parse(bytes.toString('utf8'))) };
  } catch (error) {
    throw new UserError(`${run.uri}/${path} is not a checkpoint's manifest; ${remedy}.`, {
      cause: messageOf(error),
    });
  }
}

/**
 * Makes a written checkpoint the run's newest: first its manifest, then LATEST by a conditional write, so that
 * a reader finds either the whole checkpoint or the one before. Throws a ConflictError where another
 * coordinator moved LATEST meanwhile.
 */
export async function commitCheckpoint(run: ObjectStore, manifest: CheckpointManifest): Promise<Checkpoint> {
  const folder = checkpointFolder(manifest.step);
  const json = `${JSON.stringify(checkpointManifest.parse(manifest), null, 2)}\n`;
  const before = await run.stat(LATEST);
  await run.put(`${folder}/manifest.json`, Buffer.from(json));
  const condition = before === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: before.etag };
  await run.put(LATEST, Buffer.from(`${folder.slice('checkpoints/'.length)}\n`), condition);
  return { folder, manifest };
}

async function readIfThere(store: ObjectStore, path: string): Promise<Buffer | undefined> {
  try {
    return await store.get(path);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
