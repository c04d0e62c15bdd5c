export { bytesOf } from './bytes-of.js';
export type { SumSeen, ValuesSeen } from './addon.js';
export { decodeValues, encodeValues, lookAtValues } from './convert.js';
export { crc32c } from './crc32c.js';
export { hold } from './in-use.js';
export { SharedMemory } from './shared-memory.js';
export type { SumOrder } from './sum-order.js';
export { sumParts, type PartToSum, type PartsToSum } from './sum-parts.js';
export { bytesPerValue, type WireFormat } from './wire-format.js';
