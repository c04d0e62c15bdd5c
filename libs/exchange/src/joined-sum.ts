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

interface Range {
  readonly first: number;
  readonly end: number;
}

/**
 * Writes the values [first, end) of a sum as they travel, on threads of libuv's pool; tells whether they are
 * finite, and their CRC-32C. Throws NotFinite for a joined sum that is not: nobody has looked at it before.
 */
export async function writeSum(
  sum: GradientSum,
  range: Range,
  format: WireFormat,
  into: Uint8Array,
): Promise<ValuesSeen> {
  if ('values' in sum) return encodeValues(sum.values.subarray(range.first, range.end), format, into);
  if (format === 'float32') return addUp(sum, range, { into });
  const exact = new Float32Array(range.end - range.first);
  await addUp(sum, range, { values: exact });
  const rounded = await encodeValues(exact, format, into);
  if (!rounded.finite) throw new NotFinite(undefined);
  return rounded;
}

/** Writes the values [first, end) of a sum to memory that is read later. Throws NotFinite. */
export async function storeSum(sum: GradientSum, range: Range, into: Float32Array): Promise<void> {
  const joined = 'values' in sum ? { parts: [sum], order: Int16Array.of(0) } : sum;
  await addUp(joined, range, { values: into });
}

async function addUp(
  { parts, order }: Omit<JoinedSum, 'subtree'>,
  { first, end }: Range,
  to: { into?: Uint8Array; values?: Float32Array },
): Promise<ValuesSeen> {
  const values = parts.map((part) => part.values.subarray(first, end));
  const seen = await sumParts({ parts: values, order, format: 'float32', ...to });
  if (!seen.finite) throw new NotFinite(parts[seen.nonFinitePart]);
  return seen;
}
