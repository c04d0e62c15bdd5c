import { type ObjectStore, openStore, readManifest } from '@captrain/data';
import { Captioner, joinWeights, readSafetensors, type WeightsFile } from '@captrain/model';
import {
  type Checkpoint,
  type CheckpointName,
  type TrainingConfig,
  findCheckpoint,
  namesOfKind,
} from '@captrain/model/run';
import { UserError, sha256 } from '@captrain/runtime';

/** A captioner, ready to write captions. */
export interface LoadedCaptioner {
  captioner: Captioner;
  /** What made the embeddings that it was trained on; undefined where that is not known. */
  encoder: KnownEncoder | undefined;
}

/**
 * Loads a run's checkpoint, its model compared with the manifest's digests. The engine must run. `languageModel` replaces
 * the one that the run names, for a folder that was moved. Throws `UserError`.
 */
export async function loadRun(
  store: ObjectStore,
  {
    checkpoint = 'latest',
    languageModel,
    signal,
  }: { checkpoint?: CheckpointName; languageModel?: string | undefined; signal?: AbortSignal } = {},
): Promise<LoadedCaptioner> {
  const found = await findCheckpoint(store, checkpoint);
  const trained = found.manifest.config;
  const config = languageModel === undefined ? trained : { ...trained, languageModel };
  const weights = await modelOf(store, found);
  const encoder = await encoderOfRun(config);
  return { captioner: await Captioner.load({ config, weights, ...(signal && { signal }) }), encoder };
}

async function modelOf(store: ObjectStore, { folder, manifest }: Checkpoint): Promise<WeightsFile> {
  const files: WeightsFile[] = [];
  for (const name of namesOfKind('model', manifest.files)) {
    const bytes = await store.get(`${folder}/${name}`);
    if (sha256(bytes) !== manifest.files[name]!.sha256) {
      throw new UserError(
        `${store.uri}/${folder}/${name} is damaged: its digest is not the manifest's; take another by --checkpoint STEP.`,
      );
    }
    files.push(readSafetensors(bytes));
  }
  return joinWeights(files, `${store.uri}/${folder}`);
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
