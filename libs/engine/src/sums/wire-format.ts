/** How values travel: as they are, or rounded to bfloat16 (to the nearest, to the even one of two). Little-endian. */
export type WireFormat = 'float32' | 'bfloat16';

const bytesOf: Record<string, number> = { float32: 4, bfloat16: 2 };

/** Bytes per value. Throws where there is no such format. */
export function bytesPerValue(format: WireFormat): number {
  const bytes = bytesOf[format];
  if (bytes === undefined) throw new Error(`there is no wire format ${JSON.stringify(format)}`);
  return bytes;
}
