import { UserError } from '@captrain/runtime';
import { Captioner } from '../captioner/captioner.js';
import { readCaptionerFolder } from './read-captioner-folder.js';

/** Loads a captioner from its folder, to write captions with. What does not fit is a UserError. */
export async function loadCaptionerFolder(folder: string): Promise<Captioner> {
  const { config, mapper, embeddingDim } = readCaptionerFolder(folder);
  const captioner = await Captioner.load({ config, weights: mapper });
  if (captioner.embeddingDim === embeddingDim) return captioner;
  captioner.close();
  throw new UserError(
    `the mapper in ${folder} takes embeddings of ${captioner.embeddingDim} values, and its config.json says ${embeddingDim}; export it again.`,
  );
}
