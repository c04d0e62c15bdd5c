/** For specs: sums and casts in plain JavaScript, which those of the addon have to equal. */
import type { SumOrder } from './sum-order.js';
import type { WireFormat } from './wire-format.js';

/** Numbers from 0 to 1 by a fixed seed (mulberry32). */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values of all sizes, with zeros of both signs, subnormal ones and ties among them. */
export function randomParts(count: number, length: number, random: () => number): Float32Array[] {
  const one = () => {
    const kind = random();
    if (kind < 0.05) return -0;
    if (kind < 0.1) return 0;
    if (kind < 0.2) return (random() - 0.5) * 1e-38;
    if (kind < 0.3) return Math.round(random() * 512) / 256;
    return (random() - 0.5) * 10 ** (random() * 12 - 6);
  };
  return Array.from({ length: count }, () => Float32Array.from({ length }, one));
}

/** A tree over the parts in a random shape, ragged edges and all; parts may come in any order. */
export function randomOrder(count: number, random: () => number): SumOrder {
  const trees = Array.from({ length: count }, (_, part) => [part]);
  while (trees.length > 1) {
    const [left] = trees.splice(Math.floor(random() * trees.length), 1) as [number[]];
    const at = Math.floor(random() * trees.length);
    trees[at] = [...left, ...trees[at]!, -1];
  }
  return Int16Array.from(trees[0]!);
}

export function treeSum(parts: readonly Float32Array[], order: SumOrder): Float32Array {
  const stack: Float32Array[] = [];
  for (const token of order) {
    if (token >= 0) {
      stack.push(parts[token]!);
      continue;
    }
    const right = stack.pop()!;
    const left = stack.pop()!;
    stack.push(left.map((value, i) => Math.fround(value + right[i]!)));
  }
  return stack[0]!;
}

export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The bytes of values as they travel, `shift` bytes behind the start of their buffer. */
export function encoded(values: Float32Array, format: WireFormat, shift = 0): Uint8Array {
  const bytes = format === 'float32' ? bytesOf(values) : bytesOfHalves(values);
  const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
  shifted.set(bytes);
  return shifted;
}

function bytesOfHalves(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.slice().buffer);
  return new Uint8Array(Uint16Array.from(words, roundToBfloat16).buffer);
}

function roundToBfloat16(bits: number): number {
  const [magnitude, upper, lower] = [bits & 0x7fffffff, bits >>> 16, bits & 0xffff];
  if (magnitude > 0x7f800000) return upper | 0x40;
  const up = lower > 0x8000 || (lower === 0x8000 && upper % 2 === 1);
  return up ? upper + 1 : upper;
}
