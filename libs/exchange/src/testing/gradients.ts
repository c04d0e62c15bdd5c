import type { WireFormat } from '@captrain/engine/sums';
import type { SubtreeSum } from '../reduction.js';
import type { Subtree } from '../subtree.js';

/** Values of both signs and very different sizes: their sum depends on the order of addition. */
export function leaf(microbatch: number, length: number): Float32Array {
  const values = new Float32Array(length);
  let state = 12345 + 7919 * microbatch;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[i] = (state >> 8) * 2 ** -((state & 15) + 10);
  }
  return values;
}

/** The nearest bfloat16, to the even one of two. */
export function rounded(values: Float32Array, format: WireFormat): Float32Array {
  if (format === 'float32') return values;
  const bits = new Uint32Array(values.slice().buffer);
  for (let i = 0; i < bits.length; i++) {
    bits[i] = ((bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) & 0xffff0000) >>> 0;
  }
  return new Float32Array(bits.buffer);
}

function add(left: Float32Array, right: Float32Array): Float32Array {
  const sum = left.slice();
  for (let i = 0; i < sum.length; i++) sum[i]! += right[i]!;
  return sum;
}

/** The sum of a subtree's leaves as a worker computes it. */
export function sumOf(leaves: readonly Float32Array[], { first, count }: Subtree): Float32Array {
  if (count === 1) return leaves[first]!;
  const half = count / 2;
  return add(sumOf(leaves, { first, count: half }), sumOf(leaves, { first: first + half, count: half }));
}

export function sumsOf(leaves: readonly Float32Array[], subtrees: readonly Subtree[]): SubtreeSum[] {
  return subtrees.map((subtree) => ({ subtree, values: sumOf(leaves, subtree) }));
}

/** The sum over all leaves, written down plainly: `subtrees` are what travels, rounded as on the wire. */
export function plainSum(
  leaves: readonly Float32Array[],
  subtrees: readonly Subtree[],
  format: WireFormat,
): Float32Array {
  const visit = (first: number, count: number): Float32Array => {
    const travels = subtrees.some((subtree) => subtree.first === first && subtree.count === count);
    if (travels) return rounded(sumOf(leaves, { first, count }), format);
    const left = visit(first, count / 2);
    return first + count / 2 < leaves.length ? add(left, visit(first + count / 2, count / 2)) : left;
  };
  return rounded(visit(0, 2 ** Math.ceil(Math.log2(leaves.length))), format);
}
