import { type WireFormat, decodeValues, encodeValues, sumParts } from '@captrain/engine/sums';
import { median } from '../median.js';

/** Bytes of float32 values that one thread adds to a sum, writes as they travel, or reads, in a second. */
export interface KernelSpeeds {
  sum: number;
  encode: number;
  decode: number;
}

/** As an exchange has it, chunk after chunk, from memory that no cache holds. */
const CHUNK_VALUES = 1 << 20;
const CHUNKS = 32;

/** Of one call at a time, checksums included. */
export async function kernelSpeeds(format: WireFormat, repetitions: number): Promise<KernelSpeeds> {
  const width = format === 'float32' ? 4 : 2;
  const values = new Float32Array(CHUNKS * CHUNK_VALUES).fill(1);
  const [left, right, sum] = Array.from({ length: 3 }, () => new Uint8Array(values.length * width)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const bytesOf = (all: Uint8Array, chunk: number) =>
    all.subarray(chunk * CHUNK_VALUES * width, (chunk + 1) * CHUNK_VALUES * width);
  const valuesOf = (chunk: number) => values.subarray(chunk * CHUNK_VALUES, (chunk + 1) * CHUNK_VALUES);
  await encodeValues(values, format, right);
  // All chunks are alike.
  const { checksum } = await encodeValues(valuesOf(0), format, bytesOf(sum, 0));
  const speed = async (work: (chunk: number) => Promise<unknown>) => {
    const speeds: number[] = [];
    for (let repetition = 0; repetition <= repetitions; repetition++) {
      const started = performance.now();
      for (let chunk = 0; chunk < CHUNKS; chunk++) await work(chunk);
      // The first touches the memory for the first time.
      if (repetition > 0) speeds.push((values.byteLength * 1000) / (performance.now() - started));
    }
    return median(speeds);
  };
  const order = Int16Array.of(0, 1, -1);
  const checksums = Uint32Array.of(checksum, checksum);
  return {
    encode: await speed((chunk) => encodeValues(valuesOf(chunk), format, bytesOf(left, chunk))),
    // Two parts are read.
    sum:
      2 *
      (await speed((chunk) => {
        const parts = [bytesOf(left, chunk), bytesOf(right, chunk)];
        return sumParts({ parts, checksums, order, format, into: bytesOf(sum, chunk) });
      })),
    decode: await speed((chunk) => decodeValues(bytesOf(right, chunk), format, valuesOf(chunk))),
  };
}
