import { describe, expect, test } from 'vitest';
import { usefulFlops } from './useful-flops.js';

const D = 768;
const V = 50257;

describe('useful operations', () => {
  test('of one caption are those of its positions, its tokens, its pairs and the mapper', () => {
    // One caption of two tokens: 10 prefix positions and one word are read, two tokens are predicted.
    const gpt2 = 2 * 12 * 12 * D ** 2 * 11 + 2 * D * V * 2;
    const attention = 12 * 4 * D * (55 + 11);
    const mlp = 2 * (2 * 512 * 3840) + 3 * (2 * 3840 * 7680);
    expect(usefulFlops('mlp', [[2]], false)).toBe(3 * gpt2 + 3 * attention + mlp);
    const layer = 3 * 2 * 20 * (8 * D ** 2) + 3 * 4 * D * 400;
    const transformer = 2 * (2 * 512 * 7680) + 8 * layer;
    expect(usefulFlops('transformer', [[2]], false)).toBe(2 * gpt2 + 3 * attention + transformer);
  });

  test('do not depend on how captions are grouped where prefixes are not shared', () => {
    expect(usefulFlops('mlp', [[5, 9, 3]], false)).toBe(usefulFlops('mlp', [[5], [9], [3]], false));
  });

  test('with shared prefixes are fewer, by the prefixes and mappers that are saved', () => {
    for (const variant of ['mlp', 'transformer'] as const) {
      expect(usefulFlops(variant, [[12], [14]], true)).toBe(usefulFlops(variant, [[12], [14]], false));
      const one = usefulFlops(variant, [[7]], false);
      const saved = usefulFlops(variant, [[7, 7, 7]], false) - usefulFlops(variant, [[7, 7, 7]], true);
      // Two of three times what a caption of one token has beside its head: its prefix alone.
      const head = (variant === 'mlp' ? 3 : 2) * 2 * D * V;
      expect(saved).toBe(2 * (usefulFlops(variant, [[1]], false) - head));
      expect(saved).toBeLessThan(2 * one);
    }
  });
});
