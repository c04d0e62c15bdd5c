import type { ObjectStore } from '@captrain/data/store';
import { faultPoint } from '@captrain/runtime';
import {
  type CheckpointManifest,
  type Validation,
  manifestJson,
  parseManifest,
} from './checkpoint-manifest.js';
import { Pointer } from './pointer.js';
import {
  type Checkpoint,
  DamageError,
  MANIFEST_FILE,
  type StoredCheckpoint,
  checkpointFolder,
  listCheckpoints,
  readCheckpoint,
} from './stored-checkpoints.js';

/** What the validation of a step's checkpoint came to. */
export interface ValidatedStep extends Validation {
  readonly step: number;
}

/**
 * The checkpoints of a run, for the one coordinator that leads it. Once a coordinator of a later term has opened them, one
 * of an earlier term can neither move LATEST nor BEST: it gets a ConflictError.
 */
export class CheckpointLog {
  private constructor(
    private readonly run: ObjectStore,
    private readonly latest: Pointer,
    private readonly bestPointer: Pointer,
    private bestValidation: Validation | undefined,
  ) {}

  /** `term` is higher than that of every coordinator before. */
  static async open(run: ObjectStore, { term }: { term: number }): Promise<CheckpointLog> {
    const latest = await Pointer.open(run, 'LATEST', term);
    const best = await Pointer.open(run, 'BEST', term);
    return new CheckpointLog(run, latest, best, await validationOf(run, best.step));
  }

  /** The step that LATEST names; undefined where the run has none yet, or LATEST is damaged. */
  get latestStep(): number | undefined {
    return this.latest.step;
  }

  /** The checkpoint that BEST names, where its validation is known. */
  get best(): ValidatedStep | undefined {
    const { step } = this.bestPointer;
    const validation = this.bestValidation;
    return step === undefined || validation === undefined ? undefined : { step, ...validation };
  }

  /**
   * Makes a checkpoint whose files have been written the run's newest, and its best where its validation is: first its
   * manifest, then BEST, then LATEST, so that a reader finds either the whole checkpoint or the one before.
   */
  async commit(manifest: CheckpointManifest): Promise<Checkpoint> {
    const folder = checkpointFolder(manifest.step);
    const bytes = Buffer.from(manifestJson(manifest));
    await this.latest.check();
    faultPoint('before-manifest', manifest.step);
    await this.run.put(`${folder}/${MANIFEST_FILE}`, bytes);
    faultPoint('after-manifest', manifest.step);
    await this.#moveBest(manifest);
    faultPoint('after-best', manifest.step);
    await this.latest.move(manifest.step);
    faultPoint('after-latest', manifest.step);
    return { folder, manifest: parseManifest(bytes) };
  }

  /** Goes on with a commit that came no further than a whole checkpoint's manifest; one that is over is left as it is. */
  async finish({ manifest }: Checkpoint): Promise<void> {
    await this.#moveBest(manifest);
    if (manifest.step > (this.latest.step ?? 0)) await this.latest.move(manifest.step);
  }

  /**
   * Deletes what is older than LATEST, except for the `keepLast` newest checkpoints (0: all of them), for the best one, and
   * for those whose folders are spared when their turn comes. What was left of checkpoints that came to nothing goes too.
   */
  async retain(keepLast: number, isSpared: (folder: string) => boolean = () => false): Promise<void> {
    await this.latest.check();
    await this.bestPointer.check();
    const newest = this.latest.step;
    if (newest === undefined) return;
    const stored = (await listCheckpoints(this.run)).filter(({ step }) => step <= newest);
    const complete = stored.filter(({ isComplete }) => isComplete);
    const kept = new Set(keepLast === 0 ? complete : complete.slice(0, keepLast));
    for (const each of stored) {
      if (kept.has(each) || each.step === newest || each.step === this.bestPointer.step) continue;
      if (!isSpared(each.folder)) await this.#delete(each);
    }
  }

  async #moveBest({ step, validation }: CheckpointManifest): Promise<void> {
    if (!isBetter(validation, this.bestValidation)) return;
    await this.bestPointer.move(step);
    this.bestValidation = validation;
  }

  /** The manifest goes first: without it, what is left is not taken for a checkpoint. */
  async #delete({ folder, files, isComplete }: StoredCheckpoint): Promise<void> {
    if (isComplete) await this.run.delete(`${folder}/${MANIFEST_FILE}`);
    for (const name of files.keys()) if (name !== MANIFEST_FILE) await this.run.delete(`${folder}/${name}`);
  }
}

/** Undefined where nothing is known of that checkpoint's validation. */
async function validationOf(run: ObjectStore, step: number | undefined) {
  if (step === undefined) return undefined;
  try {
    return (await readCheckpoint(run, step))?.manifest.validation;
  } catch (error) {
    if (error instanceof DamageError) return undefined;
    throw error;
  }
}

function isBetter(validation: Validation | undefined, best: Validation | undefined): boolean {
  if (validation === undefined) return false;
  // Losses over other captions are not to be compared.
  const isOfOthers = best?.split !== validation.split || best.captions !== validation.captions;
  return best === undefined || isOfOthers || validation.loss < best.loss;
}
