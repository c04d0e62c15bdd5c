import { sumsAddon, type ValuesSeen } from './addon.js';
import { whileUsing } from './in-use.js';
import { bytesPerValue, type WireFormat } from './wire-format.js';

/**
 * Writes float32 values as they travel, on a thread of libuv's pool. `into` has room for exactly these, at any alignment.
 * Tells whether what is written is finite (a value beyond the largest bfloat16 is not), and its CRC-32C. Throws at once
 * where the lengths differ.
 */
export function encodeValues(
  values: Float32Array,
  format: WireFormat,
  into: Uint8Array,
): Promise<ValuesSeen> {
  requireSameLength(into, format, values);
  return whileUsing([values, into], () => sumsAddon().encodeValues({ values, bytes: into, format }));
}

/**
 * Tells the same of float32 values that travel from where they stand. It takes a part of the time in which a network
 * takes them, and leaves them in the processor's caches.
 */
export function lookAtValues(values: Float32Array): Promise<ValuesSeen> {
  return whileUsing([values], () =>
    sumsAddon().encodeValues({ values, bytes: undefined, format: 'float32' }),
  );
}

/**
 * Reads float32 values of bytes at any alignment, on a thread of libuv's pool. Rejects nothing: tells whether all are
 * finite, and the CRC-32C of the bytes. Throws at once where the lengths differ.
 */
export function decodeValues(bytes: Uint8Array, format: WireFormat, into: Float32Array): Promise<ValuesSeen> {
  requireSameLength(bytes, format, into);
  return whileUsing([bytes, into], () => sumsAddon().decodeValues({ values: into, bytes, format }));
}

function requireSameLength(bytes: Uint8Array, format: WireFormat, values: Float32Array): void {
  if (bytes.length === values.length * bytesPerValue(format)) return;
  throw new Error(`${bytes.length} bytes for ${values.length} values as ${format}`);
}
