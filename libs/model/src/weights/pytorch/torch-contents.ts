import type { TorchTensor } from './torch-tensor.js';

/** Bytes of a storage in its file. */
export interface StorageRange {
  readonly offset: number;
  readonly bytes: number;
}

/** What a PyTorch file holds, before any value is read. */
export interface TorchContents {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Where the storages lie, by their keys: one for every tensor's. */
  readonly storages: ReadonlyMap<string, StorageRange>;
}

/** Longest pickle that is read. One of a thousand tensors has 200 kB. */
export const MAX_PICKLE_BYTES = 64 * 2 ** 20;
