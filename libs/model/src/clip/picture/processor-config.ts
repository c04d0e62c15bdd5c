import { existsSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { z } from 'zod';
import { readJsonObject } from '../../read-json.js';
import { count, faultsOf, perChannel } from '../config-parts.js';
import type { ImagePreprocessor, Size } from './image-preprocessor.js';

const rectangle = z.strictObject({ height: count(), width: count() });
const pair = z.tuple([count(), count()]).transform(([height, width]) => ({ height, width }));

/** Classes whose defaults and arithmetic are CLIP's. */
const CLASSES = [
  'CLIPImageProcessor',
  'CLIPImageProcessorFast',
  'CLIPImageProcessorPil',
  'CLIPFeatureExtractor',
];
const className = z
  .string()
  .refine((name) => CLASSES.includes(name), { error: `pictures are prepared as ${CLASSES[0]} does it` })
  .optional();

/**
 * What of a preprocessor's config is honoured; defaults are CLIPImageProcessor's, whose `size` as one number is that of
 * the shorter side. Pictures are always made RGB, whatever `do_convert_rgb` says: the towers take nothing else.
 */
const processorConfig = z.object({
  image_processor_type: className,
  feature_extractor_type: className,
  do_resize: z.boolean().default(true),
  size: z
    .union([count(), z.strictObject({ shortest_edge: count() }), rectangle, pair], {
      error: 'only a number, shortest_edge, or height and width are known',
    })
    .default(224),
  resample: z.literal([2, 3], { error: 'only bilinear (2) and bicubic (3) are known' }).default(3),
  do_center_crop: z.boolean().default(true),
  crop_size: z
    .union([count().transform((one) => ({ height: one, width: one })), rectangle, pair], {
      error: 'only a number, or height and width, are known',
    })
    .default({ height: 224, width: 224 }),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: perChannel(z.number()).default([0.48145466, 0.4578275, 0.40821073]),
  image_std: perChannel(z.number().positive()).default([0.26862954, 0.26130258, 0.27577711]),
  do_pad: z.literal(false, { error: 'padding is not known' }).default(false),
});

/** The file of a model folder that says how pictures are prepared: transformers 5 writes the second name alone. */
export function processorFile(folder: string): string {
  const names = ['preprocessor_config.json', 'processor_config.json'];
  return path.join(folder, names.find((name) => existsSync(path.join(folder, name))) ?? names[0]!);
}

/** Reads a folder's preprocessor_config.json or processor_config.json. What cannot be honoured is a UserError. */
export function readImagePreprocessor(folder: string): ImagePreprocessor {
  const file = processorFile(folder);
  const json = readJsonObject(folder, path.basename(file));
  const nested = json.image_processor;
  const given = typeof nested === 'object' && nested !== null ? nested : json;
  const parsed = processorConfig.safeParse(withoutNulls(given));
  if (!parsed.success) throw new UserError(`${file}: ${faultsOf(parsed.error)}.`);
  const config = parsed.data;
  return {
    resize: config.do_resize ? resizeOf(config.size) : null,
    filter: config.resample === 3 ? 'bicubic' : 'bilinear',
    crop: config.do_center_crop ? config.crop_size : null,
    centring: 'floor',
    fill: 0,
    scale: config.do_rescale ? config.rescale_factor : 1,
    mean: config.do_normalize ? config.image_mean : [0, 0, 0],
    deviation: config.do_normalize ? config.image_std : [1, 1, 1],
  };
}

function resizeOf(size: number | { shortest_edge: number } | Size): ImagePreprocessor['resize'] {
  if (typeof size === 'number') return { shortestEdge: size };
  return 'shortest_edge' in size ? { shortestEdge: size.shortest_edge } : size;
}

/** transformers takes a null for an absent key. */
function withoutNulls(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== null)
      .map(([key, entry]) => [
        key,
        typeof entry === 'object' && !Array.isArray(entry)
          ? withoutNulls(entry as object)
          : (entry as unknown),
      ]),
  );
}
