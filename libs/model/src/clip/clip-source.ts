import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { readJsonObject, requireFolder } from '../read-json.js';
import { weightFiles } from '../weights/model-weights.js';
import { openWeights } from '../weights/open-weights.js';
import { readClipConfig } from './clip-config.js';
import type { ClipModel } from './clip-model.js';
import { loadClip } from './load-clip.js';
import { inferOpenClipConfig } from './open-clip/infer-open-clip-config.js';
import { loadOpenClip } from './open-clip/load-open-clip.js';
import { parseOpenClipConfig } from './open-clip/open-clip-config.js';
import { openClipPreprocessor } from './open-clip/open-clip-preprocessor.js';
import { type ImagePreprocessor, requireSquares } from './picture/image-preprocessor.js';
import { processorFile, readImagePreprocessor } from './picture/processor-config.js';

/** A CLIP and how its pictures are prepared, read from one of the layouts that CLIPs are published in. */
export interface ClipSource {
  model: ClipModel;
  preprocessor: ImagePreprocessor;
  /** The files that decide the embeddings of pictures. */
  files: string[];
  /** Where a tokenizer is looked for. */
  folder: string;
}

const HUGGING_FACE = 'config.json';
const OPEN_CLIP = 'open_clip_config.json';
const OPEN_CLIP_WEIGHTS = ['open_clip_model.safetensors', 'open_clip_pytorch_model.bin'];
const WEIGHTS = /\.(safetensors|pt|pth|bin)$/;

/**
 * Loads a CLIP from a folder of Hugging Face's layout or of OpenCLIP's, or from OpenAI's weights (a file, or a folder
 * that holds nothing else of a model). Where a folder is of both layouts, Hugging Face's counts, if its weights are
 * there. What does not fit is a UserError.
 */
export async function loadClipSource(place: string): Promise<ClipSource> {
  requireFolder(place);
  if (!statSync(place).isDirectory()) return openAiSource(place, path.dirname(place));
  const names = readdirSync(place);
  if (names.includes(OPEN_CLIP) && !isHuggingFace(place, names)) return openClipSource(place, names);
  const weights = names.filter((name) => WEIGHTS.test(name));
  if (!names.includes(HUGGING_FACE) && weights.length === 1)
    return openAiSource(path.join(place, weights[0]!), place);
  if (names.includes(HUGGING_FACE)) return huggingFaceSource(place);
  throw new UserError(
    `${place} holds no CLIP: neither ${HUGGING_FACE} (Hugging Face) nor ${OPEN_CLIP} (OpenCLIP) nor one file of ` +
      `OpenAI's weights; name a folder of one of these layouts, or the weight file.`,
  );
}

function isHuggingFace(folder: string, names: readonly string[]): boolean {
  if (!names.includes(HUGGING_FACE)) return false;
  const type = readJsonObject(folder, HUGGING_FACE).model_type;
  return (
    typeof type === 'string' &&
    type.startsWith('clip') &&
    names.some((name) => /^(model|pytorch_model)[.-]/.test(name))
  );
}

async function huggingFaceSource(folder: string): Promise<ClipSource> {
  const processor = processorFile(folder);
  const preprocessor = readImagePreprocessor(folder);
  requireSquares(preprocessor, readClipConfig(folder).vision_config.image_size, processor);
  const model = await loadClip(folder);
  const files = [path.join(folder, HUGGING_FACE), processor, ...weightFiles(folder)];
  return { model, preprocessor, files, folder };
}

async function openClipSource(folder: string, names: readonly string[]): Promise<ClipSource> {
  const config = path.join(folder, OPEN_CLIP);
  const json = readJsonObject(folder, OPEN_CLIP);
  const { vision_cfg: vision, ...parsed } = parseOpenClipConfig(json.model_cfg, config);
  const preprocessor = openClipPreprocessor(json.preprocess_cfg, vision.image_size, config);
  const weights = OPEN_CLIP_WEIGHTS.find((name) => names.includes(name));
  if (weights === undefined)
    throw new UserError(
      `${folder} has no weights: neither ${OPEN_CLIP_WEIGHTS.join(' nor ')}; fetch one of them.`,
    );
  const file = path.join(folder, weights);
  const model = loadOpenClip(await openWeights(file), { ...parsed, vision_cfg: vision });
  return { model, preprocessor, files: [config, file], folder };
}

async function openAiSource(file: string, folder: string): Promise<ClipSource> {
  const weights = await openWeights(file);
  const config = inferOpenClipConfig(weights.tensors, file);
  const preprocessor = openClipPreprocessor({}, config.vision_cfg.image_size, file);
  return { model: loadOpenClip(weights, config), preprocessor, files: [file], folder };
}
