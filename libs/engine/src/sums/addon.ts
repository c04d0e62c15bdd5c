import { anyBuild, loadAddon } from '../native-build.js';
import type { WireFormat } from './wire-format.js';

/** What is known of values that were written or read. */
export interface ValuesSeen {
  /** Whether none of them is NaN or infinite. */
  finite: boolean;
  /** CRC-32C of their bytes as they travel. */
  checksum: number;
}

export interface SumSeen extends ValuesSeen {
  /** The first part whose CRC-32C is not the one given for it; -1: none. */
  wrongChecksum: number;
  /** The first part with a value that is NaN or infinite; -1: none. */
  nonFinitePart: number;
}

/** Between values and their bytes as they travel. */
interface Conversion {
  values: Float32Array;
  bytes: Uint8Array | undefined;
  format: WireFormat;
}

/** A mapping of shared memory (native/sums/mapping.h). */
export interface MappedMemory {
  buffer: ArrayBuffer;
  /** -1 where another mapping made the memory. */
  descriptor: number;
  /** Closes it. */
  handle: unknown;
}

/** The addon without TensorFlow (native/sums). It takes what it is given for checked. */
interface SumsAddon {
  sumParts(sum: {
    parts: readonly (Uint8Array | Float32Array)[];
    checksums: Uint32Array;
    order: Int16Array;
    depth: number;
    format: WireFormat;
    length: number;
    into: Uint8Array | undefined;
    values: Float32Array | undefined;
  }): Promise<SumSeen>;
  encodeValues(conversion: Conversion): Promise<ValuesSeen>;
  decodeValues(conversion: Conversion): Promise<ValuesSeen>;
  crc32c(bytes: Uint8Array): number;
  createSharedMemory(bytes: number): MappedMemory;
  openSharedMemory(process: number, descriptor: number, bytes: number): MappedMemory;
  closeSharedMemory(memory: MappedMemory): void;
}

let loaded: SumsAddon | undefined;

/** Throws a UserError where it is not built. */
export function sumsAddon(): SumsAddon {
  return (loaded ??= loadAddon<SumsAddon>(anyBuild(), 'captrain_sums.node'));
}
