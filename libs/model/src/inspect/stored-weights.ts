import { statSync } from 'node:fs';
import path from 'node:path';
import { openWeights } from '../weights/open-weights.js';

/** A model's weight files, by their headers. */
export interface StoredWeights {
  files: string[];
  bytes: number;
  tensors: number;
  /** How values are stored, the most frequent first: `F32`, `F16`, … */
  dtypes: string[];
}

export async function storedWeights(files: readonly string[]): Promise<StoredWeights> {
  const counts = new Map<string, number>();
  let tensors = 0;
  for (const file of files)
    for (const { dtype } of (await openWeights(file)).tensors.values()) {
      counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
      tensors += 1;
    }
  return {
    files: files.map((file) => path.basename(file)),
    bytes: files.reduce((total, file) => total + statSync(file).size, 0),
    tensors,
    dtypes: [...counts].toSorted(([, a], [, b]) => b - a).map(([dtype]) => dtype),
  };
}
