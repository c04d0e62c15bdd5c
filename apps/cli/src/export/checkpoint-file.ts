import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ObjectStore } from '@captrain/data';
import { type Checkpoint, MODEL_FILE } from '@captrain/model/run';
import { UserError, sha256OfFile } from '@captrain/runtime';

const PIECE_BYTES = 64 << 20;

/**
 * Calls `use` with a checkpoint's weights as a file of this machine, compared with the manifest's digest before. What
 * lies in an object store is fetched, piece by piece, into a folder next to `beside`, which goes afterwards.
 */
export async function withCheckpointFile(
  store: ObjectStore,
  { folder, manifest }: Checkpoint,
  { beside, signal }: { beside: string; signal: AbortSignal },
  use: (file: string) => Promise<void>,
): Promise<void> {
  const entry = manifest.files[MODEL_FILE];
  const name = `${folder}/${MODEL_FILE}`;
  const place = `${store.uri}/${name}`;
  const damaged = (why: string) => new UserError(`${place} is damaged: ${why}; restore it from a copy`);
  if (entry === undefined) throw damaged('its manifest does not name it');
  const check = async (file: string) => {
    if ((await sha256OfFile(file)) !== entry.sha256) throw damaged("its digest is not the manifest's");
  };
  if (existsSync(place)) {
    await check(place);
    return use(place);
  }
  const parent = path.dirname(path.resolve(beside));
  await mkdir(parent, { recursive: true });
  const temporary = await mkdtemp(path.join(parent, '.checkpoint-'));
  try {
    const file = path.join(temporary, MODEL_FILE);
    const handle = await open(file, 'w');
    try {
      for (let offset = 0; offset < entry.bytes; offset += PIECE_BYTES) {
        signal.throwIfAborted();
        const length = Math.min(PIECE_BYTES, entry.bytes - offset);
        await handle.writeFile(await store.getRange(name, offset, length));
      }
    } finally {
      await handle.close();
    }
    await check(file);
    await use(file);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
