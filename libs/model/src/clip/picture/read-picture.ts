import { UserError, formatCount, messageOf } from '@captrain/runtime';
import sharp from 'sharp';
import type { Pixels } from './resample.js';
import { onWhite, withoutInk } from './to-rgb.js';

/** A picture that cannot be decoded; the message names it and says why. */
export class UnreadableImageError extends UserError {}

/** More pixels than this are refused before they are decoded: Pillow's own limit (twice its MAX_IMAGE_PIXELS). */
const MAX_PIXELS = 178_956_970;

/**
 * Decodes a picture (a path, or an encoded file in memory) into RGB bytes, as Pillow and transformers'
 * `convert_to_rgb` do: upright by EXIF, the first frame where it moves, transparent parts on white, CMYK without
 * profile, colour profiles ignored. 16-bit grey keeps its upper byte, where Pillow would clip it to white. What is damaged,
 * cut short, larger than Pillow takes or of another kind of number is an UnreadableImageError.
 */
export async function readPicture(source: string | Buffer): Promise<Pixels> {
  try {
    const picture = sharp(source, { failOn: 'error', ignoreIcc: true, limitInputPixels: false });
    const { width: wide, height: high, space, depth } = await picture.metadata();
    if (wide * high > MAX_PIXELS)
      throw unreadable(
        source,
        `it has ${wide}×${high} pixels, more than ${formatCount(MAX_PIXELS)}; shrink it.`,
      );
    if (depth !== 'uchar' && depth !== 'ushort')
      throw unreadable(source, `its pixels are of type ${depth}; convert it to 8 or 16 bits.`);
    const isInk = space === 'cmyk';
    if (isInk) picture.pipelineColourspace('cmyk').removeAlpha();
    const { data, info } = await picture
      .autoOrient()
      .toColourspace(isInk ? 'cmyk' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (isInk) return { data: withoutInk(data), width, height };
    return { data: channels === 4 ? onWhite(data) : data, width, height };
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw unreadable(source, messageOf(cause), cause);
  }
}

function unreadable(source: string | Buffer, why: string, cause?: unknown): UnreadableImageError {
  const name = typeof source === 'string' ? source : 'a picture in memory';
  return new UnreadableImageError(`cannot read ${name}: ${why}`, { cause });
}
