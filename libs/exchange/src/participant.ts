import type { ChunkMessage } from '@captrain/protos';
import type { ChunkRange } from './chunk-range.js';
import type { Subtree } from './subtree.js';

/** The values of one chunk of one subtree's sum. */
export interface Part {
  readonly worker: number;
  readonly subtree: Subtree;
  readonly bytes: Uint8Array;
  readonly checksum: number;
  /** To be called once the bytes are no longer read. */
  release?(): void;
}

/** A worker's side of a reduction: it gives the sums of its subtrees, chunk by chunk, and takes those of all. */
export interface Participant {
  readonly worker: number;
  /** True while it is its turn: to send a chunk, or to take one. */
  readonly isAwaited: boolean;
  /** The next chunk of each of its subtrees. Throws a Refusal; never settles where the worker has gone. */
  parts(range: ChunkRange): Promise<Part[]>;
  /** Takes a sum. Resolves when `sum` is no longer read; never where the worker has gone. */
  take(sum: ChunkMessage, range: ChunkRange): Promise<void>;
  /** All was given and taken. */
  complete(): void;
  /** Breaks off, saying why. Resolves when it writes nothing any more. */
  breakOff(reason: string): Promise<void>;
}
