import type { ObjectStore } from '@captrain/data/store';
import { UserError } from '@captrain/runtime';
import { type PointerContent, pointerPath, readPointer } from './pointer.js';
import {
  type Checkpoint,
  DamageError,
  MANIFEST_FILE,
  type StoredCheckpoint,
  checkpointFolder,
  listCheckpoints,
} from './stored-checkpoints.js';
import { type VerifyOptions, verifyCheckpoint } from './verify-checkpoint.js';

/**
 * The newest checkpoint of a run whose manifest and files are whole, each file compared with its digest; undefined where
 * the run has none yet. That is the one that LATEST names, or a newer one where a coordinator ended before it moved LATEST.
 * What is wrong with others, or with LATEST, is said: a sentence each. Throws a UserError where none is whole.
 */
export async function newestValidCheckpoint(
  run: ObjectStore,
  options: VerifyOptions,
): Promise<Checkpoint | undefined> {
  const latest = await readPointer(run, 'LATEST');
  const complete = (await listCheckpoints(run)).filter(({ isComplete }) => isComplete);
  if (latest === undefined && complete.length === 0) return undefined;
  const faults = faultsOfLatest(run, latest, complete);
  for (const stored of complete) {
    try {
      const checkpoint = await verifyCheckpoint(run, stored, options);
      for (const fault of faults) options.say(`${fault}; ${checkpoint.folder} is used instead.`);
      return checkpoint;
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      faults.push(error.message);
    }
  }
  throw new UserError(
    `${faults.join('; ')}; no checkpoint of the run is whole: restore one from a copy, or start another run.`,
  );
}

/** What is wrong with LATEST, in the light of the complete checkpoints, the newest first. */
function faultsOfLatest(
  run: ObjectStore,
  latest: PointerContent | undefined,
  complete: readonly StoredCheckpoint[],
): string[] {
  const at = `${run.uri}/${pointerPath('LATEST')}`;
  if (latest === undefined) return [`${at} is missing`];
  if (latest.step === undefined) return [`${at} names no checkpoint`];
  if (!complete.some(({ step }) => step === latest.step))
    return [`${run.uri}/${checkpointFolder(latest.step)}/${MANIFEST_FILE} is missing`];
  return [];
}
