import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { readJsonObject, requireFolder } from '../read-json.js';
import { weightFiles } from '../weights/model-weights.js';
import { openWeights } from '../weights/open-weights.js';
import { type ClipConfig, readClipConfig } from './clip-config.js';
import type { ClipModel } from './clip-model.js';
import { loadClip } from './load-clip.js';
import { inferOpenClipConfig } from './open-clip/infer-open-clip-config.js';
import { loadOpenClip } from './open-clip/load-open-clip.js';
import { type OpenClipConfig, parseOpenClipConfig } from './open-clip/open-clip-config.js';
import { openClipPreprocessor } from './open-clip/open-clip-preprocessor.js';
import { type ImagePreprocessor, requireSquares } from './picture/image-preprocessor.js';
import { processorFile, readImagePreprocessor } from './picture/processor-config.js';

/** A CLIP in one of the layouts that CLIPs are published in; of its weights no more than the headers are read. */
export interface ClipSource {
  config: ClipConfig | OpenClipConfig;
  preprocessor: ImagePreprocessor;
  weights: readonly string[];
  /** The files that decide the embeddings of pictures, weights included. */
  files: readonly string[];
  /** Where a tokenizer is looked for. */
  folder: string;
  /** Reads the weights; the caller disposes the parameters. What does not fit is a UserError. */
  load(): Promise<ClipModel>;
}

const HUGGING_FACE = 'config.json';
const OPEN_CLIP = 'open_clip_config.json';
const OPEN_CLIP_WEIGHTS = ['open_clip_model.safetensors', 'open_clip_pytorch_model.bin'];
const WEIGHTS = /\.(safetensors|pt|pth|bin)$/;

/**
 * The CLIP in a folder of Hugging Face's layout or of OpenCLIP's, or in OpenAI's weights (a file, or a folder that holds
 * nothing else of a model). Where a folder is of both layouts, Hugging Face's counts, if its weights are there. What
 * cannot be used is a UserError.
 */
export async function findClipSource(place: string): Promise<ClipSource> {
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
  return (
    names.includes(HUGGING_FACE) &&
    isClipConfig(folder) &&
    names.some((name) => /^(model|pytorch_model)[.-]/.test(name))
  );
}

function isClipConfig(folder: string): boolean {
  const type = readJsonObject(folder, HUGGING_FACE).model_type;
  return typeof type === 'string' && type.startsWith('clip');
}

function huggingFaceSource(folder: string): ClipSource {
  const config = readClipConfig(folder);
  const processor = processorFile(folder);
  const preprocessor = readImagePreprocessor(folder);
  requireSquares(preprocessor, config.vision_config.image_size, processor);
  const weights = weightFiles(folder);
  const files = [path.join(folder, HUGGING_FACE), processor, ...weights];
  return { config, preprocessor, weights, files, folder, load: () => loadClip(folder) };
}

function openClipSource(folder: string, names: readonly string[]): ClipSource {
  const place = path.join(folder, OPEN_CLIP);
  const json = readJsonObject(folder, OPEN_CLIP);
  const config = parseOpenClipConfig(json.model_cfg, place);
  const preprocessor = openClipPreprocessor(json.preprocess_cfg, config.vision_cfg.image_size, place);
  const weights = OPEN_CLIP_WEIGHTS.find((name) => names.includes(name));
  if (weights === undefined)
    throw new UserError(
      `${folder} has no weights: neither ${OPEN_CLIP_WEIGHTS.join(' nor ')}; fetch one of them.`,
    );
  const file = path.join(folder, weights);
  const load = async () => loadOpenClip(await openWeights(file), config);
  return { config, preprocessor, weights: [file], files: [place, file], folder, load };
}

async function openAiSource(file: string, folder: string): Promise<ClipSource> {
  const weights = await openWeights(file);
  const config = inferOpenClipConfig(weights.tensors, file);
  const preprocessor = openClipPreprocessor({}, config.vision_cfg.image_size, file);
  const load = async () => loadOpenClip(weights, config);
  return { config, preprocessor, weights: [file], files: [file], folder, load };
}

/** Whether a folder looks like a CLIP of any layout. */
export function isClipFolder(folder: string): boolean {
  const names = readdirSync(folder);
  if (names.includes(OPEN_CLIP)) return true;
  if (names.includes(HUGGING_FACE)) return isClipConfig(folder);
  return names.filter((name) => WEIGHTS.test(name)).length === 1;
}
