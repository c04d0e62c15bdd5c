import { type SumSeen, sumsAddon } from './addon.js';
import { whileUsing } from './in-use.js';
import { depthOf, type SumOrder } from './sum-order.js';
import { bytesPerValue, type WireFormat } from './wire-format.js';

/**
 * The bytes of a part's values as they travel, at any alignment; or values of this process, which are rounded as they
 * would travel while they are read.
 */
export type PartToSum = Uint8Array | Float32Array;

export interface PartsToSum {
  /** All of one length, in values. */
  parts: readonly PartToSum[];
  /** The CRC-32C that each part should have; what stands for values of this process is not looked at. Without, none is checked. */
  checksums?: Uint32Array;
  order: SumOrder;
  format: WireFormat;
  /** Receives the sum as it travels, and as long as each part; may be one of them. */
  into?: Uint8Array | undefined;
  /** Receives the same as float32. It is written past the caches. */
  values?: Float32Array | undefined;
}

/**
 * Sums parts in float32, each addition rounded by itself, in the given order and no other: the same bits on every
 * processor. Goes through memory once, on a thread of libuv's pool; nothing may write to these arrays until it is done.
 * `checksum` is that of the sum as it travels, and `finite` tells of that.
 *
 * Throws at once where the order is no order of these parts, or lengths differ.
 */
export function sumParts({ parts, checksums, order, format, into, values }: PartsToSum): Promise<SumSeen> {
  const depth = depthOf(order, parts.length);
  const width = bytesPerValue(format);
  if (into !== undefined && into.length % width !== 0)
    throw new Error(`${into.length} bytes are no whole number of ${format} values`);
  const lengthOf = (part: PartToSum) => (part instanceof Float32Array ? part.length : part.length / width);
  const targets = [into, values].filter((target) => target !== undefined);
  const length = lengthOf(targets[0] ?? parts[0]!);
  for (const [index, part] of parts.entries()) {
    if (lengthOf(part) !== length)
      throw new Error(`part ${index} has ${lengthOf(part)} values for a sum of ${length}`);
  }
  if (targets.some((target) => lengthOf(target) !== length))
    throw new Error(`a sum of ${length} values does not fit into ${values!.length}`);
  if (checksums !== undefined && checksums.length !== parts.length) {
    throw new Error(`${checksums.length} checksums for ${parts.length} parts`);
  }
  return whileUsing([...parts, ...targets], () =>
    sumsAddon().sumParts({
      parts: [...parts],
      checksums: checksums ?? new Uint32Array(),
      order,
      depth,
      format,
      length,
      into,
      values,
    }),
  );
}
