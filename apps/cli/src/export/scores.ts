import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';

/** Scores as `captrain evaluate --out` writes them. */
export interface Scores {
  /** What was scored against: the references' name, else that of the file. */
  name: string;
  images: number | undefined;
  /** By name: `bleu4`. */
  values: Record<string, number>;
}

/** Reads a file of scores. One that is missing, or holds none, is a `UserError`. */
export async function readScores(file: string): Promise<Scores> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new UserError(
      `Cannot read the scores ${file} (${messageOf(cause)}); name a file that captrain evaluate --out wrote`,
      { cause },
    );
  }
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const numbers = entries.filter(([, score]) => Number.isFinite(score)) as [string, number][];
  const { images, ...values } = Object.fromEntries(numbers);
  if (Object.keys(values).length === 0)
    throw new UserError(`${file} holds no scores; name a file that captrain evaluate --out wrote`);
  const references = entries.find(([key]) => key === 'references')?.[1] as unknown;
  return { name: typeof references === 'string' ? references : path.basename(file), images, values };
}
