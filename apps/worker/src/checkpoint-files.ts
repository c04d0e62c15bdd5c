import type { ObjectStore } from '@captrain/data';
import { type AdamW, type Captioner, readSafetensors, writeSafetensors } from '@captrain/model';
import { MODEL_FILE, OPTIMIZER_FILE } from '@captrain/model/run';
import type { CheckpointFile, Welcome } from '@captrain/protos';
import { UserError, sha256 } from '@captrain/runtime';

// PyTorch's names of AdamW's two moments.
const MOMENTS = ['exp_avg', 'exp_avg_sq'] as const;

/** Writes one of a checkpoint's files; its bytes are a function of the replica alone. */
export async function writeCheckpointFile(
  store: ObjectStore,
  folder: string,
  name: string,
  captioner: Captioner,
  optimizer: AdamW,
): Promise<CheckpointFile> {
  const bytes = name === MODEL_FILE ? modelBytes(captioner) : optimizerBytes(captioner, optimizer);
  await store.put(`${folder}/${name}`, bytes);
  return { name, bytes: bytes.length, sha256: sha256(bytes) };
}

/** Loads the checkpoint that a welcome names, after comparing its files with their digests. */
export async function loadCheckpoint(
  store: ObjectStore,
  { checkpoint, checkpointDigests }: Welcome,
  captioner: Captioner,
  optimizer: AdamW,
): Promise<void> {
  const read = async (name: string) => {
    const path = `${checkpoint}/${name}`;
    const bytes = await store.get(path);
    if (sha256(bytes) !== checkpointDigests[name]) {
      throw new UserError(
        `${store.uri}/${path} is damaged: its digest is not the manifest's; restore it from a copy.`,
      );
    }
    return readSafetensors(bytes);
  };
  const { layout } = captioner;
  const gather = (tensors: Awaited<ReturnType<typeof read>>['tensors'], prefix: string) => {
    const flat = new Float32Array(layout.length);
    for (const { name, offset } of layout.entries) flat.set(tensors.get(`${prefix}${name}`)!.read(), offset);
    return flat;
  };
  captioner.importFlat(gather((await read(MODEL_FILE)).tensors, ''));
  const { tensors, metadata } = await read(OPTIMIZER_FILE);
  const [m, v] = MOMENTS.map((moment) => gather(tensors, `${moment}.`)) as [Float32Array, Float32Array];
  optimizer.importState({ step: Number(metadata['step']), m, v });
}

function modelBytes(captioner: Captioner): Buffer {
  return writeSafetensors(named(captioner, '', captioner.exportFlat()), { format: 'pt' });
}

function optimizerBytes(captioner: Captioner, optimizer: AdamW): Buffer {
  const { step, m, v } = optimizer.exportState();
  const tensors = new Map([
    ...named(captioner, `${MOMENTS[0]}.`, m),
    ...named(captioner, `${MOMENTS[1]}.`, v),
  ]);
  return writeSafetensors(tensors, { format: 'pt', step: String(step) });
}

function named({ layout }: Captioner, prefix: string, flat: Float32Array) {
  return new Map(
    layout.entries.map(({ name, shape, offset, length }) => [
      `${prefix}${name}`,
      { shape, data: flat.subarray(offset, offset + length) },
    ]),
  );
}
