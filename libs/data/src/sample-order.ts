import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/**
 * The order in which an epoch goes through the caption indices 0…count−1: a permutation, and a pure function of its
 * arguments, on every machine and in every version of captrain (a test pins its digest: a run could not be resumed
 * otherwise). Fisher–Yates over xoroshiro128+, whose 128 bits of state are SHA-256 of seed and epoch.
 */
export function sampleOrder({
  seed,
  epoch,
  count,
}: {
  seed: number;
  epoch: number;
  count: number;
}): Uint32Array {
  const digest = createHash('sha256').update(`captrain sample order, seed ${seed}, epoch ${epoch}`).digest();
  const random = xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => digest.readInt32LE(offset)));
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    const moved = order[i]!;
    order[i] = order[j]!;
    order[j] = moved;
  }
  return order;
}
