import { type SumSeen, sumsAddon } from './addon.js';
import { whileUsing } from './in-use.js';
import { depthOf, type SumOrder } from './sum-order.js';
import { bytesPerValue, type WireFormat } from './wire-format.js';

export interface PartsToSum {
  /** The bytes of each part's values, at any alignment; all of one length. */
  parts: readonly Uint8Array[];
  /** The CRC-32C that each part should have. Without them, none is checked. */
  checksums?: Uint32Array;
  order: SumOrder;
  format: WireFormat;
  /** As long as each part; may be one of them. */
  into: Uint8Array;
}

/**
 * Sums parts in float32, each addition rounded by itself, in the given order and no other: the same bits on every
 * processor. Goes through memory once, on a thread of libuv's pool; nothing may write to these arrays until it is done.
 * `checksum` is that of `into`, and `finite` tells of what stands there.
 *
 * Throws at once where the order is no order of these parts, or lengths differ.
 */
export function sumParts({ parts, checksums, order, format, into }: PartsToSum): Promise<SumSeen> {
  const depth = depthOf(order, parts.length);
  const width = bytesPerValue(format);
  if (into.length % width !== 0)
    throw new Error(`${into.length} bytes are no whole number of ${format} values`);
  for (const [index, part] of parts.entries()) {
    if (part.length !== into.length) {
      throw new Error(`part ${index} has ${part.length} bytes for a sum of ${into.length}`);
    }
  }
  if (checksums !== undefined && checksums.length !== parts.length) {
    throw new Error(`${checksums.length} checksums for ${parts.length} parts`);
  }
  return whileUsing([...parts, into], () =>
    sumsAddon().sumParts({
      parts: [...parts],
      checksums: checksums ?? new Uint32Array(),
      order,
      depth,
      format,
      into,
    }),
  );
}
