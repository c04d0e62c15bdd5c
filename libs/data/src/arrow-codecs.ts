import { CompressionType, compressionRegistry } from 'apache-arrow';
import { decompress as decompressZstd } from 'fzstd';
import { decompressLz4Frame } from './lz4-frame.js';

/** Teaches apache-arrow to read compressed buffers; it brings no codecs of its own. */
export function registerArrowCodecs(): void {
  // A copy starts at byte 0 of its own memory, as views of 64-bit offsets need it.
  compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => decompressZstd(bytes).slice() });
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decompressLz4Frame });
}
