import type { EmbeddingContract, EmbeddingRow } from '../contract.js';

/** A contract for tests. */
export function exampleContract(changes: Partial<EmbeddingContract> = {}): EmbeddingContract {
  return {
    encoder: 'openai/clip-vit-base-patch32',
    encoderRevision: 'sha256:0123',
    dim: 8,
    dtype: 'float16',
    normalized: false,
    preprocessing: 'resize 224 bicubic, centre crop 224',
    software: 'captrain 0.1.0',
    ...changes,
  };
}

/** `count` rows of numbers that half precision holds exactly, with 0 to 3 captions each, some of them not ASCII. */
export function exampleRows(count: number, dim = 8): EmbeddingRow[] {
  return Array.from({ length: count }, (_, row) => ({
    imageId: `image-${row}.jpg`,
    embedding: Float32Array.from({ length: dim }, (_, i) => (row * dim + i - 100) / 64),
    captions: Array.from({ length: (row * 7) % 4 }, (_, i) => `caption ${i} of № ${row}`),
  }));
}
