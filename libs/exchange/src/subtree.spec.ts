import { describe, expect, it } from 'vitest';
import { alignedSubtrees, shareMicrobatches } from './subtree.js';

describe('aligned subtrees', () => {
  it('cover every microbatch once, in order, each aligned to its own size', () => {
    for (let end = 0; end <= 40; end++) {
      for (let first = 0; first <= end; first++) {
        let next = first;
        for (const subtree of alignedSubtrees(first, end)) {
          expect(subtree.first).toBe(next);
          expect(subtree.first % subtree.count).toBe(0);
          expect(Math.log2(subtree.count) % 1).toBe(0);
          next += subtree.count;
        }
        expect(next).toBe(end);
      }
    }
  });

  it('give a lone worker a full power of two as one subtree', () => {
    expect(alignedSubtrees(0, 8)).toEqual([{ first: 0, count: 8 }]);
  });

  it('share microbatches so that no worker has over one more than another', () => {
    for (const [microbatches, workers] of [
      [8, 1],
      [8, 2],
      [8, 3],
      [8, 8],
      [5, 2],
      [3, 4],
    ] as const) {
      const counts = shareMicrobatches(microbatches, workers).map((share) =>
        share.reduce((sum, { count }) => sum + count, 0),
      );
      expect(counts.reduce((a, b) => a + b)).toBe(microbatches);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });
});
