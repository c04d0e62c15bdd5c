import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  type CaptionerConfig,
  RandomStream,
  type TensorToWrite,
  Tokenizer,
  dropoutRates,
  initMapper,
  languageModelConfig,
  mapperConfig,
  mapperShapes,
  writeSafetensors,
} from '@captrain/model';
import { flickr8kCaptions } from '../parity/captions.js';
import { writeVocabulary } from '../parity/language-model.js';
import type { StepBatch } from '../parity/step-task.js';
import { GPT2_SMALL, writeRandomGpt2 } from '../random-gpt2.js';
import { paddedLength } from './caption-lengths.js';
import { type TrainVariant, trainVariants } from './variants.js';

/** Width of an embedding: that of CLIP ViT-B/32. */
export const DIM = 512;
const SEED = 3;
const IMAGES = 8;
export const CAPTIONS_OF_AN_IMAGE = 5;
/** GPT-2's "!", which the reference's loss leaves out. */
const LEFT_OUT = 0;
/** The learning rate rises over the first steps, from the reference's 0, to a peak at which the loss falls visibly. */
const LEARNING_RATE = 1e-4;
const WARM_UP = 10;

/** The settings and batches of one variant, as task.json tells them to all sides. */
export interface TrainTask {
  options: CaptionerConfig;
  dim: number;
  /** Of the new mapper that start.safetensors holds. */
  seed: number;
  languageModel: string;
  frozen: boolean;
  learningRate: number;
  warmup: number;
  /** At which the learning rate would be 0 again. */
  totalSteps: number;
  /** Tokens that the reference pads every caption to. */
  paddedLength: number;
  /** Eight images and the five captions of each. */
  batches: StepBatch[];
}

/** Writes a GPT-2 small of random weights without dropout, with GPT-2's vocabulary. Returns its folder. */
export async function writeTrainLanguageModel(folder: string): Promise<string> {
  const languageModel = path.join(folder, 'gpt2-small');
  writeRandomGpt2(languageModel, { ...GPT2_SMALL, ...dropoutRates(0) });
  await writeVocabulary(languageModel);
  return languageModel;
}

/**
 * Writes what every side of a variant starts from into a folder: task.json, embeddings.safetensors (random, 512 values
 * an image) and start.safetensors (a new mapper). Captions are Flickr8k's own, without an end of text, as the reference
 * trains them; pictures with a caption that has token 0 are passed over.
 */
export async function writeTrainTask(
  folder: string,
  options: {
    variant: TrainVariant;
    languageModel: string;
    data: string;
    batches: number;
    totalSteps: number;
  },
): Promise<TrainTask> {
  const { variant, languageModel, data, batches: count, totalSteps } = options;
  const { mapper, frozen } = trainVariants[variant];
  await mkdir(folder, { recursive: true });
  const config: CaptionerConfig = {
    ...mapperConfig.parse({ mapper }),
    ...languageModelConfig.parse({ languageModel, freezeLanguageModel: frozen }),
  };
  const tokenizer = await Tokenizer.load(languageModel);
  const tokens = flickr8kCaptions(data).map((caption) => tokenizer.encode(caption));
  const task: TrainTask = {
    ...{ options: config, dim: DIM, seed: SEED, languageModel, frozen, totalSteps },
    ...{ learningRate: LEARNING_RATE, warmup: WARM_UP },
    paddedLength: paddedLength(tokens.map((caption) => caption.length)),
    batches: batchesOf(tokens, count),
  };
  const embeddings = new RandomStream(4, 'embeddings').normal(count * IMAGES * DIM, 1);
  const widths = { embeddingDim: DIM, width: GPT2_SMALL.n_embd };
  const values = initMapper(config, widths, SEED);
  const start = new Map<string, TensorToWrite>(
    [...mapperShapes(config, widths)].map(([name, shape]) => [name, { shape, data: values.get(name)! }]),
  );
  writeFileSync(path.join(folder, 'task.json'), JSON.stringify(task));
  writeFileSync(
    path.join(folder, 'embeddings.safetensors'),
    writeSafetensors(new Map([['embeddings', { shape: [count * IMAGES, DIM], data: embeddings }]])),
  );
  writeFileSync(path.join(folder, 'start.safetensors'), writeSafetensors(start));
  return task;
}

/** So many batches of eight images in the data set's order; an image's captions stand together. */
function batchesOf(tokens: readonly number[][], count: number): StepBatch[] {
  const images = captionsByImage(tokens);
  if (images.length < count * IMAGES) throw new RangeError(`${count} batches of ${images.length} images`);
  return Array.from({ length: count }, (_, batch) => {
    const chosen = images.slice(batch * IMAGES, (batch + 1) * IMAGES);
    return {
      images: chosen.flatMap((captions, image) => captions.map(() => batch * IMAGES + image)),
      captions: chosen.flat(),
    };
  });
}

/** The five captions of each image, in the data set's order; images with a caption of token 0, or none, are passed over. */
export function captionsByImage(tokens: readonly number[][]): number[][][] {
  return Array.from({ length: Math.floor(tokens.length / CAPTIONS_OF_AN_IMAGE) }, (_, image) =>
    tokens.slice(image * CAPTIONS_OF_AN_IMAGE, (image + 1) * CAPTIONS_OF_AN_IMAGE),
  ).filter((captions) => captions.every((caption) => caption.length > 0 && !caption.includes(LEFT_OUT)));
}
