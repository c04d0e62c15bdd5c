import { UserError } from '@captrain/runtime';
import { type CaptionerOptions, captionerOptionsOf } from '../captioner-folder/folder-config.js';
import { gpt2Tensors } from '../captioner-folder/language-model-parts.js';
import type { CaptionerContent } from '../captioner-folder/write-captioner-folder.js';
import { readGpt2Config } from '../gpt2/gpt2-config.js';
import { requireItsTokenizer } from '../gpt2/require-its-tokenizer.js';
import { Tokenizer } from '../text/tokenizer.js';
import { type NamedTensors, readClipCapCheckpoint } from './clipcap-checkpoint.js';
import { checkpointGpt2 } from './infer-gpt2.js';
import { inferMapper } from './infer-mapper.js';

/** What no shape tells of a checkpoint. */
export interface ImportOptions {
  /** Folder of the GPT-2 that it was trained from: its tokenizer and config, and its weights where the file has none. */
  languageModel: string;
  mapperHeads: number;
  normalizePrefix: boolean;
}

/** A published ClipCap model, ready to be written as a captioner folder. */
export type ImportedCaptioner = Omit<CaptionerContent, 'card' | 'about'> & {
  options: CaptionerOptions;
  embeddingDim: number;
  /** Whether the file holds GPT-2's weights; otherwise they are the language model's own. */
  ownLanguageModel: boolean;
};

/**
 * Takes a ClipCap checkpoint (a state dict of rmokady/CLIP_prefix_caption) apart; of its values it reads none but a
 * tied head's. What does not fit the language model, or is no such checkpoint, is a UserError.
 */
export async function importClipCap(
  file: NamedTensors,
  { languageModel, mapperHeads, normalizePrefix }: ImportOptions,
): Promise<ImportedCaptioner> {
  const gpt2 = readGpt2Config(languageModel);
  requireItsTokenizer(languageModel, gpt2, await Tokenizer.load(languageModel));
  const checkpoint = readClipCapCheckpoint(file);
  const ownLanguageModel = checkpoint.gpt2.size > 0;
  const weights = ownLanguageModel
    ? checkpointGpt2(checkpoint, gpt2, languageModel)
    : await gpt2Tensors(languageModel, gpt2);
  const { config, embeddingDim } = inferMapper(checkpoint, { width: gpt2.n_embd, heads: mapperHeads });
  if (config.prefixLength >= gpt2.n_positions)
    throw new UserError(
      `the prefix of ${config.prefixLength} positions in ${file.place} leaves no room for words in ${languageModel}.`,
    );
  return {
    options: captionerOptionsOf({ ...config, normalizePrefix, ...referenceCaptions }),
    embeddingDim,
    mapper: checkpoint.mapper,
    languageModel: weights,
    languageModelFolder: languageModel,
    ownLanguageModel,
  };
}

/** The reference's captions end at a full stop, or after 67 tokens. Source: `generate2` in its predict.py. */
const referenceCaptions = { maxCaptionTokens: 67, captionEnd: 'full-stop' };
