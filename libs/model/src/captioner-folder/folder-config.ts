import path from 'node:path';
import { parseConfig } from '@captrain/runtime';
import { z } from 'zod';
import { languageModelConfig, mapperConfig, storedDtypes } from '../config.js';
import { readJsonObject, readOptionalJsonObject } from '../read-json.js';
import { fromSnakeKeys, snakeCase, snakeKeys } from './snake-case.js';

/** Parts of a captioner folder, beside its config.json and the language model's folder. */
export const MAPPER_FILE = 'mapper.safetensors';
export const LANGUAGE_MODEL_FOLDER = 'language_model';

/** What of a run's options a captioner is: all of the mapper's, and of the language model's how captions end. */
const captionerOptions = z.strictObject({
  ...mapperConfig.shape,
  ...languageModelConfig.pick({ maxCaptionTokens: true, captionEnd: true }).shape,
});
export type CaptionerOptions = z.infer<typeof captionerOptions>;

/** A captioner's options, those not given by their defaults; keys that are none of them are passed over. */
export function captionerOptionsOf(values: object): CaptionerOptions {
  const known = Object.entries(values).filter(([key]) => Object.hasOwn(captionerOptions.shape, key));
  return captionerOptions.parse(Object.fromEntries(known));
}

/** What a captioner was made for and how it is stored. */
const aboutCaptioner = z.strictObject({
  embeddingDim: z.int().min(1).describe('values of an image embedding'),
  encoder: z
    .string()
    .min(1)
    .optional()
    .describe('CLIP that makes the embeddings: a hub id, or the name of a folder'),
  encoderRevision: z.string().min(1).optional().describe("the hub's revision, or sha256:… of the encoder"),
  dtype: z.enum(storedDtypes).default('float32').describe('how the weights are stored'),
});

/** A captioner folder's config.json, in the hub's manner of names. */
const folderConfig = z.strictObject({
  model_type: z.literal('clipcap'),
  ...snakeKeys(captionerOptions.shape),
  ...snakeKeys(aboutCaptioner.shape),
});

export interface FolderConfig {
  options: CaptionerOptions;
  about: z.infer<typeof aboutCaptioner>;
}

/** Options that mean something to the Transformer mapper alone. */
const transformerOptions: readonly string[] = ['clipLength', 'mapperLayers', 'mapperHeads', 'frames'];

/** Whether a folder is a captioner's, by its config.json. */
export function isCaptionerFolder(folder: string): boolean {
  return readOptionalJsonObject(folder, 'config.json').model_type === 'clipcap';
}

/** Reads a captioner folder's config.json. A folder of another kind, and a value that cannot be, is a UserError. */
export function readFolderConfig(folder: string): FolderConfig {
  const file = path.join(folder, 'config.json');
  const values = parseConfig(folderConfig, readJsonObject(folder, 'config.json'), file);
  return {
    options: captionerOptions.parse(fromSnakeKeys(captionerOptions.shape, values)),
    about: aboutCaptioner.parse(fromSnakeKeys(aboutCaptioner.shape, values)),
  };
}

/** The text of a captioner folder's config.json. */
export function folderConfigJson({ options, about }: FolderConfig): string {
  const meaningful = Object.entries({ ...options, ...about }).filter(
    ([key]) => options.mapper === 'transformer' || !transformerOptions.includes(key),
  );
  const named = meaningful.map(([key, value]) => [snakeCase(key), value]);
  return `${JSON.stringify({ model_type: 'clipcap', ...Object.fromEntries(named) }, null, 2)}\n`;
}
