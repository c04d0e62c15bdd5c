import { describe, expect, test } from 'vitest';
import { usefulFlops } from './useful-flops.js';

const D = 768;
const V = 50257;
const same = [1, 1, 1];

describe('useful operations', () => {
  test('of one caption are those of its positions, of those that predict, its pairs and the mapper', () => {
    // One caption of two tokens: 10 prefix positions and one word are read, two positions predict a token.
    const one = { images: [4], captions: [[7, 8]] };
    const gpt2 = 2 * 12 * 12 * D ** 2 * 11 + 2 * D * V * 2;
    const attention = 12 * 4 * D * (55 + 11);
    const mlp = 2 * (2 * 512 * 3840) + 3 * (2 * 3840 * 7680);
    expect(usefulFlops('mlp', one, false)).toBe(3 * gpt2 + 3 * attention + mlp);
    const layer = 3 * 2 * 20 * (8 * D ** 2) + 3 * 4 * D * 400;
    const transformer = 2 * (2 * 512 * 7680) + 8 * layer;
    expect(usefulFlops('transformer', one, false)).toBe(2 * gpt2 + 3 * attention + transformer);
  });

  test('do not depend on the images where prefixes are not shared', () => {
    const captions = [[5, 9, 3], [5], [2, 2]];
    expect(usefulFlops('mlp', { images: same, captions }, false)).toBe(
      usefulFlops('mlp', { images: [1, 2, 3], captions }, false),
    );
  });

  test('with shared prefixes are fewer, and fewer still where captions begin alike', () => {
    for (const variant of ['mlp', 'transformer'] as const) {
      const counted = (images: number[], captions: number[][], shared = true) =>
        usefulFlops(variant, { images, captions }, shared);
      const apart = [
        [1, 2, 3],
        [4, 2, 3],
      ];
      expect(counted([1, 2], apart)).toBe(counted([1, 2], apart, false));
      expect(counted([1, 1], apart)).toBeLessThan(counted([1, 2], apart));
      const alike = [
        [1, 2, 3],
        [1, 2, 5],
      ];
      expect(counted([1, 1], alike)).toBeLessThan(counted([1, 1], apart));
      expect(
        counted(
          [1, 1],
          [
            [1, 2, 3],
            [1, 2, 3],
          ],
        ),
      ).toBe(counted([1], [[1, 2, 3]]));
    }
  });
});
