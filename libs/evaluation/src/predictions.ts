import { UserError } from '@captrain/runtime';
import { z } from 'zod';
import { imageKey, readJson } from './read-json.js';

const imageId = z.union([z.number(), z.string()]);
const resultsSchema = z.array(z.looseObject({ image_id: imageId, caption: z.string() }));

/**
 * Captions by image id, in the file's order, from COCO results JSON: `[{"image_id": 1, "caption": "…"}, …]`.
 * Throws a UserError for a missing or malformed file, an empty one, and one with two captions for an image.
 */
export async function readPredictions(file: string): Promise<Map<string, string>> {
  const results = await readJson(file, 'COCO results', resultsSchema);
  if (results.length === 0) throw new UserError(`${file} holds no predictions: caption at least one image`);
  const captions = new Map<string, string>();
  for (const { image_id, caption } of results) {
    const key = imageKey(image_id);
    if (captions.has(key)) {
      throw new UserError(`${file} holds two captions for image ${key}: keep one caption for each image`);
    }
    captions.set(key, caption);
  }
  return captions;
}
