import { expectNoLeak } from '@captrain/engine/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Captioner } from './captioner.js';
import type { WriteOptions } from './write-captions.js';

/** A way to write captions; `ids` name the images. */
export type Decoder = (
  captioner: Captioner,
  embeddings: Float32Array,
  ids: readonly string[],
  options?: WriteOptions,
) => string[];

/** What every way to write captions does. The captioner's tokens are bytes, and a full stop ends its captions. */
export function describeDecoder(
  name: string,
  decode: Decoder,
  given: () => { captioner: Captioner; embeddings: Float32Array },
): void {
  describe(name, () => {
    let captioner: Captioner;
    let embeddings: Float32Array;
    let ids: string[];
    beforeAll(() => {
      ({ captioner, embeddings } = given());
      ids = Array.from({ length: embeddings.length / captioner.embeddingDim }, (_, i) => `image ${i}`);
    });

    test('captions of several images are those of each alone', () => {
      const dim = captioner.embeddingDim;
      const alone = ids.flatMap((id, i) =>
        decode(captioner, embeddings.subarray(i * dim, (i + 1) * dim), [id]),
      );
      expect(decode(captioner, embeddings, ids)).toEqual(alone);
      expect(new Set(alone).size).toBeGreaterThan(1);
    });

    test('a caption goes on to its first full stop, which stays, or to its end of text, or as far as it may', () => {
      const maxTokens = 20;
      const captions = decode(captioner, embeddings, ids, { maxTokens });
      for (const caption of captions) expect(caption.slice(0, -1)).not.toContain('.');
      expect(captions.some((caption) => caption.endsWith('.'))).toBe(true);
      const cut = decode(captioner, embeddings, ids, { maxTokens: 1 });
      for (const caption of cut) expect([...caption].length).toBeLessThanOrEqual(1);
    });

    test('the room that the model has is not passed, however many tokens are asked for', () => {
      const room = captioner.gpt2.n_positions - captioner.config.prefixLength + 1;
      const captions = decode(captioner, embeddings, ids, { maxTokens: 10_000 });
      for (const caption of captions) expect([...caption].length).toBeLessThanOrEqual(room);
    });

    test('no image has no caption, and half an embedding is a fault of the caller', () => {
      expect(decode(captioner, new Float32Array(0), [])).toEqual([]);
      const half = new Float32Array(captioner.embeddingDim + 1);
      expect(() => decode(captioner, half, ['image'])).toThrow(`${half.length} values`);
    });

    test('leaves no tensor behind', () =>
      expectNoLeak(() => decode(captioner, embeddings, ids, { maxTokens: 6 })));
  });
}
