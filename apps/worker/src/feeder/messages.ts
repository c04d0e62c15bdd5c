import type { Expectation } from '@captrain/data';
import type { PackedBatch } from '@captrain/model/batches';
import type { RunConfig } from '@captrain/model/run';
import type { Fault } from '../thread-fault.js';

/** What the feeder's thread is started with. */
export interface FeederWork {
  readonly config: RunConfig;
  /** What the data must be. */
  readonly expect: Expectation;
  /** Where the run's language model is, whose tokenizer is read. */
  readonly languageModel: string;
}

/** What the thread has found. */
export interface Opened {
  /** Width of an embedding. */
  readonly dim: number;
  /** Captions of the split. */
  readonly captions: number;
  /** SHA-256 of the data's manifest. */
  readonly dataDigest: string;
}

/** A microbatch of a step; both are counted from 0. */
export interface Place {
  readonly step: number;
  /** What a whole global batch is cut into: the same microbatch of another cut is another one. */
  readonly cut: number;
  readonly microbatch: number;
}

/** Captions that a run is validated on: positions [first, end) among the `captions` of a split that are chosen for it. */
export interface ValidationPart {
  readonly split: string;
  readonly captions: number;
  readonly first: number;
  readonly end: number;
}

/** Microbatches that a worker is about to ask for, in this order. */
export interface Lease {
  readonly step: number;
  readonly cut: number;
  readonly microbatches: readonly number[];
}

/** What a microbatch is computed from. */
export interface Microbatch {
  readonly batch: PackedBatch;
  /** Its captions, by their position in the split. */
  readonly samples: Uint32Array;
}

export type ToThread =
  { readonly lease: Lease } | { readonly take: Place } | { readonly validation: ValidationPart };

export type FromThread =
  | { readonly opened: Opened }
  | { readonly place: Place; readonly microbatch: Microbatch }
  | { readonly place: Place; readonly fault: Fault }
  | { readonly validation: ValidationPart; readonly batch: PackedBatch }
  | { readonly validation: ValidationPart; readonly fault: Fault }
  /** The thread has come to its end. */
  | { readonly fault: Fault };

export function keyOf({ step, cut, microbatch }: Place): string {
  return `${step}/${microbatch} of ${cut}`;
}

export function partKey({ split, captions, first, end }: ValidationPart): string {
  return `${first}–${end} of ${captions} of ${split}`;
}

/** A lease after another: one of the same step and cut adds to it. Both threads reckon with this, and drop the same batches. */
export function followed(before: Lease | undefined, lease: Lease): Lease {
  if (before?.step !== lease.step || before.cut !== lease.cut) return lease;
  return { ...lease, microbatches: [...new Set([...before.microbatches, ...lease.microbatches])] };
}

/** Whether a lease makes it likely that a microbatch will be asked for: the same ones of later steps are, too. */
export function isLikely({ step, cut, microbatches }: Lease, place: Place): boolean {
  return place.step >= step && place.cut === cut && microbatches.includes(place.microbatch);
}
