import { existsSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import type { LanguageModelConfig, MapperConfig } from '../config.js';
import { requireFolder } from '../read-json.js';
import { LANGUAGE_MODEL_FOLDER, MAPPER_FILE, isCaptionerFolder, readFolderConfig } from './folder-config.js';

/** A captioner folder, as its config.json describes it; no weight is read. */
export interface CaptionerFolder {
  /** As `Captioner.load` takes it: the language model is the folder's own, and frozen. */
  config: MapperConfig & LanguageModelConfig;
  /** Path of the mapper's weights. */
  mapper: string;
  embeddingDim: number;
  /** What made the embeddings that the captioner was trained on; undefined where that is not recorded. */
  encoder: string | undefined;
  encoderRevision: string | undefined;
}

/** Looks into a captioner folder. A folder of another kind, or one that lacks a part, is a UserError. */
export function readCaptionerFolder(folder: string): CaptionerFolder {
  requireFolder(folder);
  if (!isCaptionerFolder(folder))
    throw new UserError(
      `${folder} is no captioner folder; name one that captrain export or captrain import wrote.`,
    );
  const { options, about } = readFolderConfig(folder);
  const mapper = path.join(folder, MAPPER_FILE);
  const languageModel = path.join(folder, LANGUAGE_MODEL_FOLDER);
  for (const part of [mapper, languageModel])
    if (!existsSync(part))
      throw new UserError(`${folder} is incomplete: ${path.basename(part)} is missing; export it again.`);
  return {
    config: { ...options, languageModel, freezeLanguageModel: true },
    mapper,
    embeddingDim: about.embeddingDim,
    encoder: about.encoder,
    encoderRevision: about.encoderRevision,
  };
}
