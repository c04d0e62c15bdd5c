import { NotFoundError, type ObjectStore } from '@captrain/data/store';
import { UserError, messageOf } from '@captrain/runtime';
import { type CheckpointManifest, parseManifest } from './checkpoint-manifest.js';

export interface Checkpoint {
  /** Relative to the run: `checkpoints/step-00000100`. */
  readonly folder: string;
  readonly manifest: CheckpointManifest;
}

/** What a run's folder holds of a checkpoint. */
export interface StoredCheckpoint {
  readonly step: number;
  readonly folder: string;
  /** Bytes of its files by their names. */
  readonly files: ReadonlyMap<string, number>;
  /** The manifest is written last: without one, the others are leftovers. */
  readonly isComplete: boolean;
}

/** A checkpoint's file is missing or damaged; the message, without a stop at its end, says which and how. */
export class DamageError extends UserError {}

export const MANIFEST_FILE = 'manifest.json';

/** Where the checkpoint of a step lies in a run. */
export function checkpointFolder(step: number): string {
  return `checkpoints/step-${String(step).padStart(8, '0')}`;
}

/** Everything that looks like a checkpoint, the newest first. */
export async function listCheckpoints(run: ObjectStore): Promise<StoredCheckpoint[]> {
  const found = new Map<number, Map<string, number>>();
  for await (const { path, bytes } of run.list('checkpoints/step-')) {
    const [, digits, name] = /^checkpoints\/step-(\d{8,})\/(.+)$/.exec(path) ?? [];
    if (digits === undefined) continue;
    const step = Number(digits);
    found.set(step, (found.get(step) ?? new Map<string, number>()).set(name!, bytes));
  }
  return [...found]
    .sort(([a], [b]) => b - a)
    .map(([step, files]) => ({
      step,
      folder: checkpointFolder(step),
      files,
      isComplete: files.has(MANIFEST_FILE),
    }));
}

/** The checkpoint of a step, whose files are not looked at; undefined where there is none. A damaged manifest is a DamageError. */
export async function readCheckpoint(run: ObjectStore, step: number): Promise<Checkpoint | undefined> {
  const folder = checkpointFolder(step);
  const path = `${folder}/${MANIFEST_FILE}`;
  let bytes: Buffer;
  try {
    bytes = await run.get(path);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
  const damaged = (cause: unknown) =>
    new DamageError(`${run.uri}/${path} is damaged: ${messageOf(cause)}`, { cause });
  let manifest: CheckpointManifest;
  try {
    manifest = parseManifest(bytes);
  } catch (error) {
    throw damaged(error);
  }
  if (manifest.step !== step) throw damaged(`it says that it is of step ${manifest.step}`);
  return { folder, manifest };
}
