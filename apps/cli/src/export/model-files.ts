import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { type ObjectStore, readPieces } from '@captrain/data';
import { type Checkpoint, namesOfKind } from '@captrain/model/run';
import { UserError, sha256OfFile } from '@captrain/runtime';

/**
 * Calls `use` with a checkpoint's weights as files of this machine, compared with the manifest's digests before. What
 * lies in an object store is fetched, piece by piece, into a folder next to `beside`, which goes afterwards.
 */
export async function withModelFiles(
  store: ObjectStore,
  { folder, manifest }: Checkpoint,
  { beside, signal }: { beside: string; signal: AbortSignal },
  use: (files: readonly string[]) => Promise<void>,
): Promise<void> {
  const names = namesOfKind('model', manifest.files);
  const check = async (name: string, file: string) => {
    if ((await sha256OfFile(file)) === manifest.files[name]!.sha256) return file;
    throw new UserError(
      `${store.uri}/${folder}/${name} is damaged: its digest is not the manifest's; take another by --checkpoint STEP.`,
    );
  };
  const at = (name: string) => `${folder}/${name}`;
  const files: string[] = [];
  if (names.every((name) => existsSync(`${store.uri}/${at(name)}`))) {
    for (const name of names) files.push(await check(name, `${store.uri}/${at(name)}`));
    return use(files);
  }
  const parent = path.dirname(path.resolve(beside));
  await mkdir(parent, { recursive: true });
  const temporary = await mkdtemp(path.join(parent, '.checkpoint-'));
  try {
    for (const name of names) {
      const file = path.join(temporary, name);
      const handle = await open(file, 'w');
      try {
        for await (const piece of readPieces(store, at(name), manifest.files[name]!.bytes, signal))
          await handle.writeFile(piece);
      } finally {
        await handle.close();
      }
      files.push(await check(name, file));
    }
    await use(files);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
