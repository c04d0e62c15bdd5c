import { existsSync } from 'node:fs';
import { loadCaptionerFolder, readCaptionerFolder } from '@captrain/model';
import type { LoadedCaptioner } from './load-run.js';

/** Loads the captioner in a folder that `captrain export` or `captrain import` wrote. Throws `UserError`. */
export async function loadFolder(folder: string): Promise<LoadedCaptioner> {
  const { encoder, encoderRevision } = readCaptionerFolder(folder);
  return {
    captioner: await loadCaptionerFolder(folder),
    encoder: encoder === undefined ? undefined : { encoder, encoderRevision, folder: whereItLies(encoder) },
  };
}

/** The folder of an encoder by its name. */
function whereItLies(encoder: string): string | undefined {
  return existsSync(encoder) ? encoder : undefined;
}
