import type { PartToSum } from '@captrain/engine/sums';
import type { ChunkMessage } from '@captrain/protos';
import type { ChunkRange } from './chunk-range.js';
import type { Subtree } from './subtree.js';

/** The values of one chunk of one subtree's sum. */
export interface Part {
  readonly worker: number;
  readonly subtree: Subtree;
  /** Float32 values where they are this process's own, to be rounded as they would travel. */
  readonly values: PartToSum;
  readonly checksum: number;
  /** To be called once the values are no longer read. */
  release(): void;
}

/** One side of a worker's part in a reduction. */
export interface Participant {
  readonly worker: number;
  /** True while it is its turn. */
  readonly isAwaited: boolean;
  /** All was given and taken. */
  complete(): void;
  /** Breaks off, saying why. Resolves when it writes nothing any more. */
  breakOff(reason: string): Promise<void>;
}

/** Gives the sums of the worker's subtrees. */
export interface Giver extends Participant {
  /** The next chunk of each subtree, in order. Throws a Refusal; never settles where the worker has gone. */
  parts(range: ChunkRange): Promise<Part[]>;
}

/** Takes the sum over all, as it is sent. */
export interface Taker extends Participant {
  /** Takes the next chunk. Resolves when `sum` is no longer read; never where the worker has gone. */
  take(sum: ChunkMessage): Promise<void>;
}

/** Takes the sum over all where it is made, in this process. */
export interface OwnTaker extends Participant {
  /** Has a chunk of the sum written where it wants it, as float32 values; never settles where it has broken off. */
  receive<Seen>(range: ChunkRange, write: (place: Float32Array) => Promise<Seen>): Promise<Seen>;
}
