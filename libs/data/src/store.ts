// What needs no Arrow: a program that reads no rows starts in half the time without it.
export { requireConditionalWrites } from './conditional-writes.js';
export { withFileLock } from './file-lock.js';
export {
  DataManifest,
  manifestOf,
  manifestPath,
  readManifest,
  type Manifest,
  type ShardEntry,
} from './manifest.js';
export { ConflictError, NotFoundError } from './object-store.js';
export type { ObjectStat, ObjectStore, PutCondition } from './object-store.js';
export { openStore } from './open-store.js';
export type { PutBody } from './put-body.js';
export { readPieces } from './read-pieces.js';
export { readVersion, type ObjectVersion } from './read-version.js';
