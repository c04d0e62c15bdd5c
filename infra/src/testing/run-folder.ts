import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '@captrain/runtime';

/** SHA-256 of every file under a folder, by relative path. */
export function digestsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files
      .map((file) => path.join(file.parentPath, file.name))
      .toSorted()
      .map((file) => [path.relative(folder, file), sha256(readFileSync(file))]),
  );
}

/** Digests of a run's newest checkpoint, and its folder's name. */
export function newestCheckpoint(run: string): { name: string; digests: Record<string, string> } {
  const [name] = readFileSync(path.join(run, 'checkpoints/LATEST'), 'utf8').split('\n') as [string];
  return { name, digests: digestsOf(path.join(run, 'checkpoints', name)) };
}

export interface MetricsLine {
  step: number;
  epoch: number;
  loss: number;
  captions: number;
  tokens: number;
  workers: number;
  validation_loss?: number;
}

export function metricsOf(run: string): MetricsLine[] {
  const lines = readFileSync(path.join(run, 'metrics.jsonl'), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as MetricsLine);
}
