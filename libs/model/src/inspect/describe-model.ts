import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import {
  type CaptionerOptions,
  isCaptionerFolder,
  readFolderConfig,
} from '../captioner-folder/folder-config.js';
import { gpt2Tensors } from '../captioner-folder/language-model-parts.js';
import { readCaptionerFolder } from '../captioner-folder/read-captioner-folder.js';
import { countParameters } from '../captioner-folder/source-tensors.js';
import { type NamedTensors, readClipCapCheckpoint } from '../clipcap/clipcap-checkpoint.js';
import { type Gpt2Sizes, gpt2SizesOf } from '../clipcap/infer-gpt2.js';
import { inferMapper } from '../clipcap/infer-mapper.js';
import type { ClipConfig } from '../clip/clip-config.js';
import { findClipSource, isClipFolder } from '../clip/clip-source.js';
import type { OpenClipConfig } from '../clip/open-clip/open-clip-config.js';
import type { ImagePreprocessor } from '../clip/picture/image-preprocessor.js';
import { type Gpt2Config, readGpt2Config } from '../gpt2/gpt2-config.js';
import { gpt2ParameterName } from '../gpt2/gpt2-names.js';
import { Tokenizer } from '../text/tokenizer.js';
import { openWeights } from '../weights/open-weights.js';
import { weightFiles } from '../weights/model-weights.js';
import { type StoredWeights, storedWeights } from './stored-weights.js';

/** What a model is, as far as its config and the headers of its weights tell: no weight is read. */
export type ModelDescription =
  LanguageModelDescription | ClipDescription | CaptionerDescription | CheckpointDescription;

export interface LanguageModelDescription {
  kind: 'language model';
  place: string;
  parameters: number;
  weights: StoredWeights;
  config: Gpt2Config;
  tokenizer: { tokens: number; endOfTextId: number };
}

export interface ClipDescription {
  kind: 'CLIP';
  place: string;
  parameters: number;
  weights: StoredWeights;
  config: ClipConfig | OpenClipConfig;
  preprocessor: ImagePreprocessor;
}

export interface CaptionerDescription {
  kind: 'captioner';
  place: string;
  parameters: number;
  weights: StoredWeights;
  options: CaptionerOptions;
  embeddingDim: number;
  encoder: string | undefined;
  languageModel: LanguageModelDescription;
}

export interface CheckpointDescription {
  kind: 'ClipCap checkpoint';
  place: string;
  /** Without masks and GPT-2's head: no header tells whether that is more than the word embeddings again. */
  parameters: number;
  weights: StoredWeights;
  /** Undefined where the file has no GPT-2, and its mapper's shapes do not tell the width. */
  mapper: ReturnType<typeof inferMapper> | undefined;
  languageModel: Gpt2Sizes | undefined;
}

/** Looks at a model folder, or at the file of a checkpoint. What is none that captrain knows is a UserError. */
export async function describeModel(place: string): Promise<ModelDescription> {
  if (!existsSync(place))
    throw new UserError(`there is no model ${place}; name a folder or file that exists.`);
  if (!statSync(place).isDirectory()) return describeFile(place);
  if (isCaptionerFolder(place)) return describeCaptioner(place);
  if (existsSync(path.join(place, 'checkpoints')))
    throw new UserError(`${place} is a training run; captrain export makes a captioner folder of it.`);
  if (isClipFolder(place)) return describeClip(place);
  return describeLanguageModel(place);
}

async function describeLanguageModel(place: string): Promise<LanguageModelDescription> {
  const config = readGpt2Config(place);
  const { vocabularySize, endOfTextId } = await Tokenizer.load(place);
  return {
    kind: 'language model',
    place,
    parameters: countParameters((await gpt2Tensors(place, config)).values()),
    weights: await storedWeights(weightFiles(place)),
    config,
    tokenizer: { tokens: vocabularySize, endOfTextId },
  };
}

async function describeClip(place: string): Promise<ClipDescription> {
  const { config, preprocessor, weights } = await findClipSource(place);
  const tensors = (await Promise.all(weights.map(openWeights))).flatMap((file) => [...file.tensors.values()]);
  return {
    kind: 'CLIP',
    place,
    // Without what counts, such as position ids.
    parameters: countParameters(tensors.filter(({ dtype }) => /^B?F/.test(dtype))),
    weights: await storedWeights(weights),
    config,
    preprocessor,
  };
}

async function describeCaptioner(place: string): Promise<CaptionerDescription> {
  const { mapper, embeddingDim, encoder, config } = readCaptionerFolder(place);
  const languageModel = await describeLanguageModel(config.languageModel);
  return {
    kind: 'captioner',
    place,
    parameters: countParameters((await openWeights(mapper)).tensors.values()) + languageModel.parameters,
    weights: await storedWeights([mapper, ...weightFiles(config.languageModel)]),
    options: readFolderConfig(place).options,
    embeddingDim,
    encoder,
    languageModel,
  };
}

async function describeFile(place: string): Promise<CheckpointDescription | ClipDescription> {
  const { tensors } = await openWeights(place);
  return tensors.has('visual.conv1.weight') ? describeClip(place) : describeCheckpoint({ place, tensors });
}

async function describeCheckpoint(file: NamedTensors): Promise<CheckpointDescription> {
  const { place } = file;
  const checkpoint = readClipCapCheckpoint(file);
  const languageModel = gpt2SizesOf(checkpoint);
  const gpt2 = [...checkpoint.gpt2].filter(
    ([name]) => gpt2ParameterName(name, { tie_word_embeddings: true }) !== undefined,
  );
  const width = languageModel?.width ?? checkpoint.mapper.get('clip_project.prefix_const')?.shape[1];
  return {
    kind: 'ClipCap checkpoint',
    place,
    parameters: countParameters([...checkpoint.mapper.values(), ...gpt2.map(([, tensor]) => tensor)]),
    weights: await storedWeights([place]),
    mapper: width === undefined ? undefined : inferMapper(checkpoint, { width, heads: 1 }),
    languageModel,
  };
}
