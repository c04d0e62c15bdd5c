import { loadCaptionerFolder, readCaptionerFolder } from '@captrain/model';
import type { LoadedCaptioner } from './load-run.js';

/**
 * Loads the captioner in a folder that `captrain export` or `captrain import` wrote. An encoder that it names as on the
 * hub is found by that name; a folder's bare name is only for people. Throws `UserError`.
 */
export async function loadFolder(folder: string): Promise<LoadedCaptioner> {
  const { encoder, encoderRevision } = readCaptionerFolder(folder);
  return {
    captioner: await loadCaptionerFolder(folder),
    encoder:
      encoder === undefined
        ? undefined
        : {
            encoder: encoder.replace(/@.*$/, ''),
            encoderRevision,
            folder: encoder.includes('/') ? encoder : undefined,
          },
  };
}
