export { ConflictError, NotFoundError } from './object-store.js';
export type { ObjectStat, ObjectStore, PutCondition } from './object-store.js';
export { openStore } from './open-store.js';
export { type DataManifest, type Manifest, type ShardEntry, manifestOf, readManifest } from './manifest.js';
