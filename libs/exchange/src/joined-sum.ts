import {
  type SumOrder,
  type ValuesSeen,
  type WireFormat,
  encodeValues,
  sumParts,
} from '@captrain/engine/sums';
import type { SubtreeSum } from './reduction.js';
import type { Subtree } from './subtree.js';
import { sumOrder } from './sum-order.js';

/** A subtree's sum that stands in parts, which several workers of one host have computed: it is added up where it is read. */
export interface JoinedSum {
  readonly subtree: Subtree;
  readonly parts: readonly SubtreeSum[];
  readonly order: SumOrder;
}

/** What is sent for a subtree. */
export type GradientSum = SubtreeSum | JoinedSum;

/** A sum of parts is NaN or infinite somewhere. */
export class NotFinite extends Error {
  override readonly name = 'NotFinite';

  constructor(
    /** The part that has such a value itself; undefined where their sum is too large. */
    readonly part: SubtreeSum | undefined,
  ) {
    super('a sum has values that are not finite');
  }
}

/** The sum of a subtree of `leaves` microbatches, from all those of `sums` that lie in it. Throws where they are not all of it. */
export function joinSums(subtree: Subtree, sums: readonly SubtreeSum[], leaves: number): GradientSum {
  const end = subtree.first + subtree.count;
  const parts = sums.filter(({ subtree: { first } }) => first >= subtree.first && first < end);
  const subtrees = parts.map((part) => part.subtree);
  const order = sumOrder(subtrees, leaves, subtree);
  return parts.length === 1 ? { subtree, values: parts[0]!.values } : { subtree, parts, order };
}

/**
 * Writes the values [first, end) of a sum as they travel, on threads of libuv's pool; tells whether they are
 * finite, and their CRC-32C. Throws NotFinite for a joined sum that is not: nobody has looked at it before.
 */
export async function writeSum(
  sum: GradientSum,
  { first, end }: { readonly first: number; readonly end: number },
  format: WireFormat,
  into: Uint8Array,
): Promise<ValuesSeen> {
  if ('values' in sum) return encodeValues(sum.values.subarray(first, end), format, into);
  const exact = format === 'float32' ? into : new Uint8Array((end - first) * 4);
  const parts = sum.parts.map(({ values }) => bytesOf(values.subarray(first, end)));
  const seen = await sumParts({ parts, order: sum.order, format: 'float32', into: exact });
  if (!seen.finite) throw new NotFinite(sum.parts[seen.nonFinitePart]);
  if (exact === into) return seen;
  const rounded = await encodeValues(new Float32Array(exact.buffer), format, into);
  if (!rounded.finite) throw new NotFinite(undefined);
  return rounded;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
