import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';

/** Marks a folder as a demo's, which the next demo may replace. */
const marker = '.captrain-demo';

/** Where a demo's files lie. */
export interface DemoPaths {
  folder: string;
  dataset: string;
  references: string;
  embeddings: string;
  run(variant: string): string;
  predictions(variant: string, shuffled: boolean): string;
  reportPage: string;
  reportJson: string;
}

export function demoPaths(folder: string): DemoPaths {
  const at = (...parts: string[]) => path.join(folder, ...parts);
  return {
    folder,
    dataset: at('dataset'),
    references: at('dataset', 'annotations', 'captions_val.json'),
    embeddings: at('embeddings'),
    run: (variant) => at('runs', variant),
    predictions: (variant, shuffled) => at('captions', `${variant}${shuffled ? '-shuffled' : ''}.json`),
    reportPage: at('report.html'),
    reportJson: at('report.json'),
  };
}

/**
 * Makes an empty folder for a demo. What an earlier demo left there is removed; a folder that holds anything else,
 * or cannot be written, is a `UserError`.
 */
export async function makeDemoFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const names = await readdir(folder);
    if (names.length > 0 && !names.includes(marker)) {
      throw new UserError(`${folder} holds files that are not of a demo; name another --out`);
    }
    for (const name of names) await rm(path.join(folder, name), { recursive: true });
    await writeFile(path.join(folder, marker), 'captrain demo writes here, and removes what it finds.\n');
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`Cannot write to ${folder} (${messageOf(cause)}); name another --out`, { cause });
  }
}
