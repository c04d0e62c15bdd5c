import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { TOKENIZER_FILES } from '../text/tokenizer-file-names.js';

const OPEN_CLIP = 'open_clip_config.json';
const processors = ['preprocessor_config.json', 'processor_config.json'];

/** What captrain reads of a model, besides its weights. */
const small = ['config.json', 'generation_config.json', ...processors, ...TOKENIZER_FILES, OPEN_CLIP];

/** Weights by preference, each with the config without which it is of no use: Hugging Face's layout, then OpenCLIP's. */
const weights = [
  { file: 'model.safetensors', config: 'config.json' },
  { file: 'model.safetensors.index.json', config: 'config.json' },
  { file: 'pytorch_model.bin', config: 'config.json' },
  { file: 'pytorch_model.bin.index.json', config: 'config.json' },
  { file: 'open_clip_model.safetensors', config: OPEN_CLIP },
  { file: 'open_clip_pytorch_model.bin', config: OPEN_CLIP },
];

export interface WantedFiles {
  /** The weights, or the index of their parts, come last. */
  readonly files: readonly string[];
  /** The index among `files`, which names the parts. */
  readonly index: string | undefined;
}

/** Which of a model's files are read: one kind of weights, never two. Undefined where there are none that are. */
export function wantedFiles(present: { has(name: string): boolean }): WantedFiles | undefined {
  const found = weights.filter(({ file, config }) => present.has(file) && present.has(config));
  // Beside OpenCLIP's files, a config of Hugging Face's without one of its processors is timm's: of the picture tower alone.
  const isTimm = present.has(OPEN_CLIP) && !processors.some((name) => present.has(name));
  const chosen = (isTimm ? found.find(({ config }) => config === OPEN_CLIP) : undefined) ?? found[0];
  if (chosen === undefined) return undefined;
  const index = chosen.file.endsWith('.index.json') ? chosen.file : undefined;
  return { files: [...small.filter((name) => present.has(name)), chosen.file], index };
}

/** The names of weights that are looked for, for people. */
export const weightNames = weights.map(({ file }) => file).filter((file) => !file.endsWith('.index.json'));

/** The parts that a downloaded index names, in order. One that names none, or files elsewhere, is a UserError. */
export async function partsOf(folder: string, index: string): Promise<string[]> {
  const file = path.join(folder, index);
  const parts = new Set<string>();
  try {
    const { weight_map } = JSON.parse(await readFile(file, 'utf8')) as { weight_map: Record<string, string> };
    for (const part of Object.values(weight_map)) parts.add(part);
  } catch (cause) {
    throw new UserError(`${file} is no index of weights; name another revision of the model.`, { cause });
  }
  const strange = [...parts].find((part) => typeof part !== 'string' || !/^[\w-][\w.-]*$/.test(part));
  if (strange !== undefined || parts.size === 0)
    throw new UserError(
      `${file} names ${strange === undefined ? 'no files' : JSON.stringify(strange)} as parts of the weights; name another revision of the model.`,
    );
  return [...parts].toSorted();
}
