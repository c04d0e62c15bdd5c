import { UnreadableImageError, decodeImage, type ImagePreprocessor } from '@captrain/model';
import type { DatasetImage } from '@captrain/data';

/** A picture ready for the encoder. */
export interface Picture {
  image: DatasetImage;
  /** Normalised RGB pixels, HWC. */
  pixels: Float32Array;
}

/** A picture that could not be read, as `skipped.jsonl` lists it. */
export interface SkippedPicture {
  /** Null for a picture that was never opened. */
  imageId: string | null;
  file: string;
  reason: string;
}

/** Reads and decodes a picture; what cannot be decoded is told instead of thrown. */
export async function decodePicture(
  image: DatasetImage,
  preprocessor: ImagePreprocessor,
): Promise<Picture | SkippedPicture> {
  try {
    return { image, pixels: await decodeImage(await image.read(), preprocessor) };
  } catch (thrown) {
    if (!(thrown instanceof UnreadableImageError)) throw thrown;
    return { imageId: image.imageId, file: image.file, reason: reasonOf(thrown) };
  }
}

/** The decoder's own words: list entries name the file already. */
function reasonOf({ cause, message }: Error): string {
  return (cause instanceof Error ? cause.message : message).replaceAll(/\s+/g, ' ').trim();
}
