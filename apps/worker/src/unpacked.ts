import type { CaptionBatch } from '@captrain/model';
import type { PackedBatch } from '@captrain/model/batches';

/** A packed batch as one caption per image: an image stands once for each of its captions. */
export function unpacked(
  packed: PackedBatch,
  { embeddingDim, config }: { embeddingDim: number; config: { prefixLength: number } },
): CaptionBatch {
  const { captions, segments_S4, targets_T } = packed;
  const images = segments_S4.length / 4 - captions;
  const embeddings = new Float32Array(captions * embeddingDim);
  let target = captions;
  const tokens = Array.from({ length: captions }, (_, caption) => {
    const [first, end, prefix] = segments_S4.subarray((images + caption) * 4);
    const image = prefix! / config.prefixLength;
    const vector = packed.embeddings.subarray(image * embeddingDim, (image + 1) * embeddingDim);
    embeddings.set(vector, caption * embeddingDim);
    const later = targets_T.subarray(target, (target += end! - first!));
    return [targets_T[caption]!, ...later];
  });
  return { embeddings, tokens };
}
