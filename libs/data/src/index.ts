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
export { readDataset, type ReadDatasetOptions } from './read-dataset.js';
export { readShard } from './read-shard.js';
export type { Shard } from './shard.js';
export { ShardWriter } from './shard-writer.js';
export * from './store.js';
