import { createHash } from 'node:crypto';
import { NotFoundError, type ObjectStore, readPieces } from '@captrain/data/store';
import { formatBytes, mapInOrder } from '@captrain/runtime';
import {
  type Checkpoint,
  DamageError,
  MANIFEST_FILE,
  type StoredCheckpoint,
  readCheckpoint,
} from './stored-checkpoints.js';

/** Files that are read at once: an object store gives one after another slowly. */
const FILES_AT_ONCE = 4;

/** Time without a word, at most, while a large checkpoint is read. */
const SAY_EVERY_MS = 5000;

export interface VerifyOptions {
  readonly say: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/** Compares a checkpoint's files with the sizes and digests in its manifest. Throws a DamageError for the first that differs. */
export async function verifyCheckpoint(
  run: ObjectStore,
  { step, folder, files }: StoredCheckpoint,
  { say, signal }: VerifyOptions,
): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(run, step);
  if (checkpoint === undefined) throw new DamageError(`${run.uri}/${folder}/${MANIFEST_FILE} is missing`);
  const expected = Object.entries(checkpoint.manifest.files);
  for (const [name, { bytes }] of expected) {
    const there = files.get(name);
    if (there === undefined) throw new DamageError(`${run.uri}/${folder}/${name} is missing`);
    if (there !== bytes)
      throw new DamageError(
        `${run.uri}/${folder}/${name} is damaged: it has ${there} bytes instead of ${bytes}`,
      );
  }
  const total = expected.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  let [done, said] = [0, performance.now()];
  const progress = (bytes: number) => {
    done += bytes;
    if (performance.now() - said < SAY_EVERY_MS) return;
    said = performance.now();
    say(`Comparing ${folder} with its digests: ${formatBytes(done)} of ${formatBytes(total)}`);
  };
  const faults = mapInOrder(expected, FILES_AT_ONCE, ([name, { bytes, sha256 }]) =>
    faultOf(run, `${folder}/${name}`, { bytes, sha256, signal, progress }),
  );
  for await (const fault of faults) if (fault !== undefined) throw fault;
  return checkpoint;
}

/** What is wrong with a file's bytes. */
async function faultOf(
  run: ObjectStore,
  path: string,
  file: {
    bytes: number;
    sha256: string;
    signal?: AbortSignal | undefined;
    progress: (bytes: number) => void;
  },
): Promise<DamageError | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const piece of readPieces(run, path, file.bytes, file.signal)) {
      hash.update(piece);
      file.progress(piece.length);
    }
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    return new DamageError(`${run.uri}/${path} is missing`, { cause: error });
  }
  if (hash.digest('hex') === file.sha256) return undefined;
  return new DamageError(`${run.uri}/${path} is damaged: its digest is not the manifest's`);
}
