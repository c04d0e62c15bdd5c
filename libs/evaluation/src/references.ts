import { UserError } from '@captrain/runtime';
import { z } from 'zod';
import { imageKey, readJson } from './read-json.js';

const imageId = z.union([z.number(), z.string()]);
const captionsSchema = z.looseObject({
  annotations: z.array(z.looseObject({ image_id: imageId, caption: z.string() })),
});

/**
 * Reference captions by image id, in the file's order, from COCO captions JSON
 * (`{"annotations": [{"image_id": 1, "caption": "…"}, …]}`).
 * Throws a UserError for a missing or malformed file and for one without annotations.
 */
export async function readReferences(file: string): Promise<Map<string, string[]>> {
  const { annotations } = await readJson(file, 'COCO captions', captionsSchema);
  if (annotations.length === 0)
    throw new UserError(`${file} holds no annotations: give a file with captions`);
  const captions = new Map<string, string[]>();
  for (const { image_id, caption } of annotations) {
    const key = imageKey(image_id);
    const known = captions.get(key);
    if (known) known.push(caption);
    else captions.set(key, [caption]);
  }
  return captions;
}
