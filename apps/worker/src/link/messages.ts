import type { MessagePort } from 'node:worker_threads';
import type { CoordinatorMessage__Output, Subtree, WorkerMessage } from '@captrain/protos';
import type { Fault } from '../thread-fault.js';

/** What the link's thread is started with. */
export interface LinkWork {
  /** HOST:PORT of the coordinator. */
  readonly coordinator: string;
  /** How people recognise this worker. */
  readonly name: string;
  /** Address that peers reach this worker at. */
  readonly peerHost: string;
  /** Seconds to wait for a coordinator that has never answered. */
  readonly patience: number;
  /** Seconds to go on asking for a coordinator that went away. */
  readonly reconnect: number;
  /** URL of what sums collectively, in processes of their own, where tests run it from source. */
  readonly collectiveProgram?: string | undefined;
}

/** Memory of this process that another thread maps by its descriptor. */
export interface SharedArray {
  readonly descriptor: number;
  readonly bytes: number;
}

/** A message for the coordinator. One of an earlier connection than the present one is dropped. */
export interface Say {
  readonly connection: number;
  readonly say: WorkerMessage;
}

/** The sums of a plan's subtrees, ready to be exchanged. */
export interface ReadySums {
  readonly generation: number;
  readonly step: number;
  /** `descriptor` is that of shared memory. */
  readonly sums: readonly { readonly subtree: Subtree; readonly descriptor: number }[];
}

/** The state that peers may fetch: its arrays in the order of `StateArrays`. */
export interface StateToProvide {
  readonly step: number;
  /** Updates that the optimizer has counted. */
  readonly updates: number;
  readonly arrays: readonly SharedArray[];
}

export interface Download {
  /** HOST:PORT of a peer's captrain.v1.Peer. */
  readonly peer: string;
  readonly step: number;
  /** Where the state's arrays are put. Once answered, the thread does not need them. */
  readonly arrays: readonly SharedArray[];
}

/** What the thread answers: each request has its number, and its answer the same one. */
export type Request =
  /** Map this memory; the answer says that it is done. Memory is named by its descriptor until it is released. */
  | { readonly share: SharedArray }
  /** Serve this state until the next plan. Once answered, the thread alone needs the memory. */
  | { readonly provide: StateToProvide }
  /** Answered by the number of updates that the optimizer has counted in the state. */
  | { readonly download: Download };

export type ToLink =
  | Say
  | { readonly request: number; readonly body: Request }
  /** Where the global gradient is received; its length tells that of every gradient. */
  | { readonly result: number }
  | { readonly release: number }
  | { readonly exchange: ReadySums }
  /** A thread that says things to the coordinator as well. */
  | { readonly speaker: MessagePort }
  | { readonly drain: true }
  | { readonly close: true };

export type FromLink =
  | { readonly connection: number; readonly message: CoordinatorMessage__Output }
  /** The coordinator went away, and is asked for again. */
  | { readonly lost: true }
  | { readonly answer: number; readonly value: number }
  | { readonly answer: number; readonly fault: Fault }
  /** There is no coordinator, or it refuses this worker. */
  | { readonly ended: Fault }
  /** The worker was told to close, and its last words have left it. */
  | { readonly closed: true };
