import type { ObjectStore } from '@captrain/data/store';
import { UserError } from '@captrain/runtime';
import { type PointerName, pointerPath, readPointer } from './pointer.js';
import {
  type Checkpoint,
  DamageError,
  checkpointFolder,
  listCheckpoints,
  readCheckpoint,
} from './stored-checkpoints.js';

/** How a checkpoint of a run is named: the newest one, the best by its validation, or by its step. */
export type CheckpointName = 'latest' | 'best' | number;

const REMEDY = 'take another by --checkpoint STEP';

/** A run's checkpoint, for use. Throws a UserError where there is none of that name, or its manifest is damaged. */
export async function findCheckpoint(run: ObjectStore, name: CheckpointName): Promise<Checkpoint> {
  const step = typeof name === 'number' ? name : await stepOf(run, name === 'best' ? 'BEST' : 'LATEST');
  const checkpoint = await readCheckpoint(run, step).catch((error: unknown) => {
    throw error instanceof DamageError
      ? new UserError(`${error.message}; ${REMEDY}.`, { cause: error })
      : error;
  });
  if (checkpoint !== undefined) return checkpoint;
  if (typeof name !== 'number')
    throw new UserError(`${run.uri}/${checkpointFolder(step)} has no manifest.json; ${REMEDY}.`);
  const known = (await listCheckpoints(run)).filter(({ isComplete }) => isComplete).map(({ step }) => step);
  const others = known.length === 0 ? 'it has none yet' : `it has those of ${known.toReversed().join(', ')}`;
  throw new UserError(`${run.uri} has no checkpoint of step ${step}; ${others}.`);
}

async function stepOf(run: ObjectStore, name: PointerName): Promise<number> {
  const pointer = await readPointer(run, name);
  if (pointer?.step !== undefined) return pointer.step;
  if (pointer !== undefined)
    throw new UserError(`${run.uri}/${pointerPath(name)} names no checkpoint; ${REMEDY}.`);
  if (name === 'BEST' && (await readPointer(run, 'LATEST')) !== undefined)
    throw new UserError(`${run.uri} has no best checkpoint, for it was not validated; ${REMEDY}.`);
  throw new UserError(`${run.uri} holds no checkpoint; check --run, or train first by captrain train`);
}
