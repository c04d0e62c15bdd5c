import { cropWindow, type ImagePreprocessor, resizedSize } from './picture/image-preprocessor.js';
import { readPicture } from './picture/read-picture.js';
import { type Pixels, resample, type Window } from './picture/resample.js';

/**
 * Decodes a picture (a path, or an encoded file in memory) into normalised RGB pixels, HWC row after row, with the
 * values that CLIP's published processor gives (transformers' CLIPImageProcessor with Pillow). Throws an
 * UnreadableImageError.
 */
export async function decodeImage(
  source: string | Buffer,
  preprocessor: ImagePreprocessor,
): Promise<Float32Array> {
  return normalise(resizeAndCrop(await readPicture(source), preprocessor), preprocessor);
}

/** Computes what lies in the crop alone, so that a picture of extreme proportions costs no more than others. */
function resizeAndCrop(picture: Pixels, preprocessor: ImagePreprocessor): Uint8Array {
  const size = resizedSize(picture, preprocessor.resize);
  const crop = cropWindow(size, preprocessor);
  const left = Math.max(0, crop.left);
  const top = Math.max(0, crop.top);
  const inside = {
    left,
    top,
    width: Math.min(size.width, crop.left + crop.width) - left,
    height: Math.min(size.height, crop.top + crop.height) - top,
  };
  return framed(resample(picture, size, inside, preprocessor.filter), inside, crop, preprocessor.fill);
}

/** Puts the part of a crop that lies in the picture into the whole crop. */
function framed({ data }: Pixels, inside: Window, crop: Window, fill: number): Uint8Array {
  if (inside.width === crop.width && inside.height === crop.height) return data;
  const out = new Uint8Array(crop.width * crop.height * 3).fill(fill);
  const bytes = inside.width * 3;
  for (let row = 0; row < inside.height; row++) {
    const to = ((inside.top - crop.top + row) * crop.width + inside.left - crop.left) * 3;
    out.set(data.subarray(row * bytes, (row + 1) * bytes), to);
  }
  return out;
}

/** (byte · scale − mean) / deviation, each step rounded to float32 as NumPy rounds it. */
function normalise(bytes: Uint8Array, { scale, mean, deviation }: ImagePreprocessor): Float32Array {
  const { fround } = Math;
  const values = mean.map((middle, channel) =>
    Float32Array.from({ length: 256 }, (_, byte) =>
      fround(fround(fround(byte * scale) - fround(middle)) / fround(deviation[channel]!)),
    ),
  );
  const pixels = new Float32Array(bytes.length);
  for (let channel = 0; channel < 3; channel++) {
    const table = values[channel]!;
    for (let i = channel; i < bytes.length; i += 3) pixels[i] = table[bytes[i]!]!;
  }
  return pixels;
}
