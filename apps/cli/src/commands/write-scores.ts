import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';

/** Writes scores as a JSON file, making its folder. Throws `UserError` where that cannot be done. */
export async function writeScores(file: string, scores: object): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(scores, null, 2)}\n`);
  } catch (cause) {
    throw new UserError(`Cannot write ${file} (${messageOf(cause)}); name another --out`, { cause });
  }
}
