import { UserError } from '@captrain/runtime';

/** Candidates and their references, image by image in the predictions' order: what the metrics take. */
export interface Paired {
  imageIds: string[];
  candidates: string[];
  references: string[][];
}

/**
 * Brings predictions and references together. Images that only the references have are left out (a partial run
 * may be scored); a prediction for an unknown image is a UserError, because it means the wrong file.
 */
export function pair(predictions: Map<string, string>, references: Map<string, string[]>): Paired {
  const paired: Paired = { imageIds: [], candidates: [], references: [] };
  for (const [imageId, caption] of predictions) {
    const captions = references.get(imageId);
    if (!captions) {
      throw new UserError(
        `image ${imageId} of the predictions has no reference caption: give the references of the same split`,
      );
    }
    paired.imageIds.push(imageId);
    paired.candidates.push(caption);
    paired.references.push(captions);
  }
  return paired;
}
