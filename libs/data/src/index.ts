export { requireConditionalWrites } from './conditional-writes.js';
export { embeddingContract, type EmbeddingContract, type EmbeddingRow } from './contract.js';
export type { DatasetImage } from './dataset-image.js';
export {
  EmbeddingDataset,
  type DatasetOptions,
  type Expectation,
  type Sample,
  type Samples,
} from './embedding-dataset.js';
export { encodeShard } from './encode-shard.js';
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
export { readDataset, type ReadDatasetOptions } from './read-dataset.js';
export { readPieces } from './read-pieces.js';
export { readShard } from './read-shard.js';
export { readVersion, type ObjectVersion } from './read-version.js';
export type { Shard } from './shard.js';
export { ShardWriter } from './shard-writer.js';
