import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { StoredDtype } from '../config.js';
import {
  type CaptionerOptions,
  type FolderConfig,
  LANGUAGE_MODEL_FOLDER,
  MAPPER_FILE,
  folderConfigJson,
} from './folder-config.js';
import { copyCompanions } from './language-model-parts.js';
import { PYTHON_FILE, pythonSource } from './python-source.js';
import { replaceFolder } from './replace-folder.js';
import { type SourceTensors, countParameters } from './source-tensors.js';
import { writeTensors } from './write-tensors.js';

/** A captioner to be written: its weights lie in files yet, whatever these are. */
export interface CaptionerContent {
  options: CaptionerOptions;
  about: Omit<FolderConfig['about'], 'dtype'>;
  /** Under the reference's names (`clip_project.model.0.weight`). */
  mapper: SourceTensors;
  /** Under the hub's names (`transformer.wte.weight`). */
  languageModel: SourceTensors;
  /** Where config and tokenizer of the language model come from. */
  languageModelFolder: string;
  /** The model card, Markdown with the hub's front matter. */
  card: string;
}

export interface WriteFolderOptions {
  dtype: StoredDtype;
  /** Replaces a captioner that the folder holds. */
  overwrite: boolean;
  signal: AbortSignal;
  /** Called with the bytes that were just written of the weights. */
  onBytes?: (bytes: number) => void;
}

/**
 * Writes a captioner folder: config.json, mapper.safetensors, language_model/ as the hub's tools load it, the Python
 * that loads the whole in PyTorch, README.md. It is there as a whole or not at all; of the weights no more than one
 * tensor is in memory. Where it cannot be written, and for weights that the dtype cannot hold, throws a UserError.
 */
export async function writeCaptionerFolder(
  out: string,
  content: CaptionerContent,
  { dtype, overwrite, signal, onBytes = () => {} }: WriteFolderOptions,
): Promise<void> {
  const { options, about, mapper, languageModel, languageModelFolder, card } = content;
  await replaceFolder(out, { overwrite }, async (folder) => {
    const weights = { dtype, signal, onBytes };
    const model = path.join(folder, LANGUAGE_MODEL_FOLDER);
    await mkdir(model);
    await writeFile(
      path.join(folder, 'config.json'),
      folderConfigJson({ options, about: { ...about, dtype } }),
    );
    await writeFile(path.join(folder, 'README.md'), card);
    await writeFile(path.join(folder, PYTHON_FILE), pythonSource());
    await copyCompanions(languageModelFolder, model, dtype);
    await writeTensors(path.join(folder, MAPPER_FILE), mapper, weights);
    await writeTensors(path.join(model, 'model.safetensors'), languageModel, weights);
  });
}

/** Bytes of the weights that a captioner folder of this content will hold. */
export function weightBytes(content: CaptionerContent, dtype: StoredDtype): number {
  const parameters =
    countParameters(content.mapper.values()) + countParameters(content.languageModel.values());
  return parameters * (dtype === 'float32' ? 4 : 2);
}
