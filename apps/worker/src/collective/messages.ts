import type { CollectiveMember } from '@captrain/engine';
import type { EngineConfig } from '@captrain/engine/config';

/** What a process that sums for a worker is started with. */
export interface SummingWork {
  /** Where it computes: as its worker does. */
  readonly engine: EngineConfig;
  /** Descriptor of the shared memory, and its size. */
  readonly descriptor: number;
  readonly bytes: number;
}

/** What it is asked; one thing after another, each answered. */
export type ToSumming =
  /** Load TensorFlow, as a member of this group. A piece of a sum may take so many seconds. */
  | { readonly join: CollectiveMember; readonly timeoutSeconds: number }
  /** Put the sum of what stands in all members' memory in the place of this one's. */
  | { readonly sum: true };

export type FromSumming =
  /** It is there, and will listen on this port. */
  { readonly port: number } | { readonly done: true } | { readonly failed: string };
