import { UserError } from '@captrain/runtime';
import type { FilterName, Window } from './resample.js';

export interface Size {
  width: number;
  height: number;
}

/**
 * How an encoder wants its pictures, whichever file said so. The order is: resize, crop, scale, normalise.
 */
export interface ImagePreprocessor {
  /**
   * The size before the crop: that of the shorter side, both sides, or the largest that lies within a size; null where
   * pictures stay as large as they are.
   */
  resize: { shortestEdge: number } | Size | { within: Size } | null;
  filter: FilterName;
  /** Cut from the middle; a smaller picture gets a frame of `fill`. Null: no crop. */
  crop: Size | null;
  /** Where a middle between two pixels lies: transformers rounds down, torchvision (OpenCLIP) to the even one. */
  centring: 'floor' | 'even';
  /** Byte value around pictures that are smaller than the crop. */
  fill: number;
  /** What bytes are multiplied by, then the mean to subtract and the deviation to divide by, red first. */
  scale: number;
  mean: [number, number, number];
  deviation: [number, number, number];
}

/** The size that a picture is resized to. */
export function resizedSize({ width, height }: Size, resize: ImagePreprocessor['resize']): Size {
  if (resize === null) return { width, height };
  if ('width' in resize) return { width: resize.width, height: resize.height };
  if ('within' in resize) {
    const ratio = Math.max(height / resize.within.height, width / resize.within.width);
    const side = (length: number) => Math.max(1, roundToEven(length / ratio));
    return { width: side(width), height: side(height) };
  }
  const short = resize.shortestEdge;
  if (width <= height) return { width: short, height: Math.floor((short * height) / width) };
  return { width: Math.floor((short * width) / height), height: short };
}

/** The cut-out in a picture of this size; it may reach over the edges. */
export function cropWindow({ width, height }: Size, { crop, centring }: ImagePreprocessor): Window {
  if (crop === null) return { left: 0, top: 0, width, height };
  const start = (whole: number, part: number) =>
    // The odd pixel of a frame: transformers puts it before the picture, torchvision behind.
    centring === 'floor'
      ? Math.floor((whole - part) / 2)
      : whole < part
        ? Math.ceil((whole - part) / 2)
        : roundToEven((whole - part) / 2);
  return { left: start(width, crop.width), top: start(height, crop.height), ...crop };
}

/**
 * Throws a UserError, which names `place`, unless every picture comes out as a square of `side` pixels, which the
 * encoder takes.
 */
export function requireSquares(preprocessor: ImagePreprocessor, side: number, place: string): void {
  const { crop, resize } = preprocessor;
  const size = crop ?? (resize !== null && 'width' in resize ? resize : undefined);
  if (size?.width === side && size.height === side) return;
  const made = size === undefined ? 'of various sizes' : `of ${size.width}×${size.height} pixels`;
  throw new UserError(
    `${place} makes pictures ${made} where the encoder takes ${side}×${side}; set its crop_size to ${side}.`,
  );
}

/** Python's round. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
