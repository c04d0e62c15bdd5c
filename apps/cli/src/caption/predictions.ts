import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';

/** One entry of COCO results JSON. */
export interface Prediction {
  image_id: number | string;
  caption: string;
}

/** An image id as COCO's tools want it: a number where it is one. */
export function cocoId(imageId: string): number | string {
  const number = Number(imageId);
  return Number.isSafeInteger(number) && String(number) === imageId ? number : imageId;
}

/** COCO results JSON, one prediction a line. */
export function predictionsJson(predictions: readonly Prediction[]): string {
  return `[\n${predictions.map((prediction) => JSON.stringify(prediction)).join(',\n')}\n]\n`;
}

/** Writes the results file, making its folder. Throws `UserError` where that cannot be done. */
export async function writePredictions(file: string, predictions: readonly Prediction[]): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, predictionsJson(predictions));
  } catch (cause) {
    throw new UserError(`Cannot write ${file} (${messageOf(cause)}); name another --out`, { cause });
  }
}
