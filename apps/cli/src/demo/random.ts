import { sha256 } from '@captrain/runtime';

/** A stream of random choices that depends on nothing but its seed. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** An integer, uniform in 0 … count − 1. */
  below(count: number): number;
  /** One of the values, each as likely. */
  pick<T>(values: readonly T[]): T;
}

/**
 * The generator sfc32 (Chris Doty-Humphrey's PractRand), its state taken from the SHA-256 of the seed's parts, so
 * that ("scene", 7) and ("scene", 8) have nothing in common.
 */
export function seededRandom(...seed: (string | number)[]): Random {
  const digest = sha256(seed.join('\0'));
  let [a, b, c, counter] = [0, 8, 16, 24].map((at) => parseInt(digest.slice(at, at + 8), 16) | 0) as [
    number,
    number,
    number,
    number,
  ];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    between: (low, high) => low + (high - low) * next(),
    pick: <T>(values: readonly T[]) => values[below(values.length)] as T,
  };
}
