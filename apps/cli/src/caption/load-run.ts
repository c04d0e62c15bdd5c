import { type ObjectStore, openStore, readManifest } from '@captrain/data';
import { Captioner } from '@captrain/model';
import { MODEL_FILE, type TrainingConfig, latestCheckpoint } from '@captrain/model/run';
import { UserError, sha256 } from '@captrain/runtime';

/** A captioner, ready to write captions. */
export interface LoadedCaptioner {
  captioner: Captioner;
  /** What made the embeddings that it was trained on; undefined where that is not known. */
  encoder: KnownEncoder | undefined;
}

/**
 * Loads the newest checkpoint of the run in a store, its model compared with the manifest's digest. The engine must
 * run. `languageModel` replaces the one that the run names, for a folder that was moved. Throws `UserError`.
 */
export async function loadRun(
  store: ObjectStore,
  { languageModel, signal }: { languageModel?: string | undefined; signal?: AbortSignal } = {},
): Promise<LoadedCaptioner> {
  const checkpoint = await latestCheckpoint(store);
  if (!checkpoint) {
    throw new UserError(`${store.uri} holds no checkpoint; check --run, or train first by captrain train`);
  }
  const { folder, manifest } = checkpoint;
  const config = languageModel === undefined ? manifest.config : { ...manifest.config, languageModel };
  const weights = await store.get(`${folder}/${MODEL_FILE}`);
  if (sha256(weights) !== manifest.files[MODEL_FILE]?.sha256) {
    throw new UserError(
      `${store.uri}/${folder}/${MODEL_FILE} is damaged: its digest is not the manifest's; restore it from a copy`,
    );
  }
  const encoder = await encoderOfRun(config);
  return { captioner: await Captioner.load({ config, weights, ...(signal && { signal }) }), encoder };
}

/** The encoder that made the embeddings which a captioner was trained on. */
export interface KnownEncoder {
  encoder: string;
  /** Undefined for a captioner that came without: then only the width of embeddings can be compared. */
  encoderRevision: string | undefined;
  /** Its folder, or its name on the hub with the commit; undefined where neither is recorded. */
  folder: string | undefined;
}

/** The encoder of the data that a run was trained on; undefined where that data is gone. */
export async function encoderOfRun({ data }: TrainingConfig): Promise<KnownEncoder | undefined> {
  try {
    const store = await openStore(data);
    const { encoder, encoderRevision } = (await readManifest(store)).content;
    return { encoder, encoderRevision, folder: await recordedFolder(store) };
  } catch (thrown) {
    if (thrown instanceof UserError) return undefined;
    throw thrown;
  }
}

async function recordedFolder(store: ObjectStore): Promise<string | undefined> {
  if (!(await store.stat('embedding.json'))) return undefined;
  const record = JSON.parse((await store.get('embedding.json')).toString('utf8')) as {
    encoderFolder?: unknown;
  };
  return typeof record.encoderFolder === 'string' ? record.encoderFolder : undefined;
}
