import type { ObjectStore } from '@captrain/data';
import {
  type AdamW,
  type Captioner,
  type WeightsFile,
  flatOfFile,
  readSafetensors,
  safetensorsParts,
  tensorsOfFlat,
} from '@captrain/model';
import { MODEL_FILE, OPTIMIZER_FILE } from '@captrain/model/run';
import type { CheckpointFile, Welcome } from '@captrain/protos';
import { UserError, sha256 } from '@captrain/runtime';

// PyTorch's names of AdamW's two moments.
const MEAN = 'exp_avg.';
const SQUARE = 'exp_avg_sq.';

/** Writes one of a checkpoint's files; its bytes are a function of the replica alone. */
export async function writeCheckpointFile(
  store: ObjectStore,
  folder: string,
  name: string,
  captioner: Captioner,
  optimizer: AdamW,
): Promise<CheckpointFile> {
  const parts = name === MODEL_FILE ? modelParts(captioner) : optimizerParts(captioner, optimizer);
  await store.put(`${folder}/${name}`, parts);
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return { name, bytes, sha256: sha256(...parts) };
}

/** A checkpoint as messages name it: a folder of the run, and the SHA-256 of its files. */
export type CheckpointToLoad = Pick<Welcome, 'checkpoint' | 'checkpointDigests'>;

/** Loads a checkpoint, after comparing its files with their digests; returns its step. */
export async function loadCheckpoint(
  store: ObjectStore,
  { checkpoint, checkpointDigests }: CheckpointToLoad,
  captioner: Captioner,
  optimizer: AdamW,
): Promise<number> {
  const read = async (name: string) => {
    const place = `${store.uri}/${checkpoint}/${name}`;
    const bytes = await store.get(`${checkpoint}/${name}`);
    if (sha256(bytes) !== checkpointDigests[name]) {
      throw new UserError(`${place} is damaged: its digest is not the manifest's; restore it from a copy.`);
    }
    return { file: readSafetensors(bytes), place };
  };
  const { layout } = captioner;
  const model = await read(MODEL_FILE);
  captioner.importFlat(flatOfFile(layout, model.file, model.place));
  const { file, place } = await read(OPTIMIZER_FILE);
  optimizer.importState({
    step: Number(file.metadata['step']),
    m: flatOfFile(layout, withoutPrefix(file, MEAN), place),
    v: flatOfFile(layout, withoutPrefix(file, SQUARE), place),
  });
  return Number(/\d+$/.exec(checkpoint)![0]);
}

/** The parts of a file are views of the exported arrays: it is never in memory a second time. */
function modelParts(captioner: Captioner): Uint8Array[] {
  const tensors = tensorsOfFlat(captioner.layout, captioner.exportFlat());
  return [...safetensorsParts(tensors, { format: 'pt' })];
}

function optimizerParts({ layout }: Captioner, optimizer: AdamW): Uint8Array[] {
  const { step, m, v } = optimizer.exportState();
  const moment = (prefix: string, flat: Float32Array) =>
    [...tensorsOfFlat(layout, flat)].map(([name, tensor]) => [prefix + name, tensor] as const);
  const tensors = new Map([...moment(MEAN, m), ...moment(SQUARE, v)]);
  return [...safetensorsParts(tensors, { format: 'pt', step: String(step) })];
}

/** The tensors whose names begin with a prefix, without it. */
function withoutPrefix(file: WeightsFile, prefix: string): WeightsFile {
  const named = [...file.tensors].filter(([name]) => name.startsWith(prefix));
  return { ...file, tensors: new Map(named.map(([name, tensor]) => [name.slice(prefix.length), tensor])) };
}
