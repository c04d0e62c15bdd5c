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
  imageId: string;
  file: string;
  reason: string;
}

/** Decodes a picture; what cannot be decoded is told instead of thrown. */
export async function decodePicture(
  image: DatasetImage,
  preprocessor: ImagePreprocessor,
): Promise<Picture | SkippedPicture> {
  try {
    return { image, pixels: await decodeImage(image.file, preprocessor) };
  } catch (thrown) {
    if (!(thrown instanceof UnreadableImageError)) throw thrown;
    return { imageId: image.imageId, file: image.file, reason: reasonOf(thrown) };
  }
}

/** The reason alone: list entries name the file already. */
function reasonOf(error: Error): string {
  const message = error.cause instanceof Error ? error.cause.message : error.message;
  return message.replaceAll(/\s+/g, ' ').trim();
}
