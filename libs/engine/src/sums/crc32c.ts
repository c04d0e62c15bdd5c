import { sumsAddon } from './addon.js';

/** The CRC-32C (Castagnoli's polynomial, as in iSCSI) of some bytes, as a number from 0 to 2³² − 1. */
export function crc32c(bytes: Uint8Array): number {
  return sumsAddon().crc32c(bytes);
}
