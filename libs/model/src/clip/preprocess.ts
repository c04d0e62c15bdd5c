import { UserError, messageOf } from '@captrain/runtime';
import sharp from 'sharp';
import { z } from 'zod';
import { readJsonObject } from '../read-json.js';

const side = z.number().int().min(1);
const rectangle = z.object({ height: side, width: side });

/** What of a folder's preprocessor_config.json is honoured; defaults are CLIP's. */
const processorConfig = z.object({
  do_resize: z.boolean().default(true),
  size: z.union([side, z.object({ shortest_edge: side }), rectangle]).default(224),
  resample: z.literal(3, { error: 'only bicubic resampling (3) is known' }).default(3),
  do_center_crop: z.boolean().default(true),
  crop_size: z.union([side, rectangle]).default(224),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  image_mean: z.array(z.number()).length(3).default([0.48145466, 0.4578275, 0.40821073]),
  image_std: z.array(z.number().positive()).length(3).default([0.26862954, 0.26130258, 0.27577711]),
});
export type ImagePreprocessor = z.infer<typeof processorConfig>;

/** A picture that cannot be decoded; the message names it and says why. */
export class UnreadableImageError extends UserError {}

/** Reads a folder's preprocessor_config.json. What cannot be honoured is a UserError. */
export function readImagePreprocessor(folder: string): ImagePreprocessor {
  const parsed = processorConfig.safeParse(readJsonObject(folder, 'preprocessor_config.json'));
  if (parsed.success) return parsed.data;
  throw new UserError(`${folder}/preprocessor_config.json: ${z.prettifyError(parsed.error)}.`);
}

/**
 * Decodes a picture (a path, or an encoded file in memory) into normalised RGB pixels, HWC row after row. As CLIP's
 * published processor does it: upright by EXIF, RGB by dropping alpha, shortest edge resized bicubically with
 * antialiasing, centre cropped, scaled, normalised. Throws an UnreadableImageError.
 */
export async function decodeImage(
  source: string | Buffer,
  preprocessor: ImagePreprocessor,
): Promise<Float32Array> {
  try {
    const { data, info } = await sharp(source, { failOn: 'error', ignoreIcc: true })
      .autoOrient()
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return normalise(await resizeAndCrop(data, info, preprocessor), preprocessor);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const name = typeof source === 'string' ? source : 'a picture in memory';
    throw new UnreadableImageError(`cannot read ${name}: ${messageOf(cause)}`, { cause });
  }
}

interface RawSize {
  width: number;
  height: number;
}

/** Works on the decoded pixels, so that no decoder shrinks them by another filter first. */
async function resizeAndCrop(data: Buffer, size: RawSize, preprocessor: ImagePreprocessor): Promise<Buffer> {
  let { width, height } = size;
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  if (preprocessor.do_resize) {
    ({ width, height } = resizedTo(size, preprocessor.size));
    picture.resize(width, height, { fit: 'fill', kernel: 'cubic' });
  }
  if (preprocessor.do_center_crop) {
    const crop = sidesOf(preprocessor.crop_size);
    if (crop.width > width || crop.height > height)
      throw new UserError(
        `preprocessor_config.json crops ${crop.width}×${crop.height} from pictures of ${width}×${height}; make size at least crop_size.`,
      );
    const left = Math.floor((width - crop.width) / 2);
    const top = Math.floor((height - crop.height) / 2);
    picture.extract({ left, top, ...crop });
  }
  return picture.raw().toBuffer();
}

/** The size a picture is resized to; a lone number is that of the shorter side. */
function resizedTo({ width, height }: RawSize, size: ImagePreprocessor['size']): RawSize {
  if (typeof size === 'object' && 'width' in size) return { width: size.width, height: size.height };
  const shortest = typeof size === 'number' ? size : size.shortest_edge;
  const long = Math.floor((shortest * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: shortest, height: long } : { width: long, height: shortest };
}

function sidesOf(size: number | RawSize): RawSize {
  return typeof size === 'number'
    ? { width: size, height: size }
    : { width: size.width, height: size.height };
}

function normalise(bytes: Buffer, preprocessor: ImagePreprocessor): Float32Array {
  const factor = preprocessor.do_rescale ? preprocessor.rescale_factor : 1;
  const [mean, deviation] = preprocessor.do_normalize
    ? [preprocessor.image_mean, preprocessor.image_std]
    : [
        [0, 0, 0],
        [1, 1, 1],
      ];
  const pixels = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const channel = i % 3;
    pixels[i] = (bytes[i]! * factor - mean[channel]!) / deviation[channel]!;
  }
  return pixels;
}
