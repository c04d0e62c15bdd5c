import { openStore } from '@captrain/data/store';
import type { CheckpointFile, WriteCheckpoint } from '@captrain/protos';
import { sha256 } from '@captrain/runtime';

/** Writes files of a checkpoint, as workers do, that say what they are; returns what is to be told of them. */
export async function writeFiles(
  run: string,
  { step, folder, files }: Pick<WriteCheckpoint, 'step' | 'folder' | 'files'>,
): Promise<CheckpointFile[]> {
  const store = await openStore(run);
  const written = [];
  for (const name of files) {
    const bytes = Buffer.from(`${name} of step ${step}`);
    await store.put(`${folder}/${name}`, bytes);
    written.push({ name, bytes: bytes.length, sha256: sha256(bytes) });
  }
  return written;
}
