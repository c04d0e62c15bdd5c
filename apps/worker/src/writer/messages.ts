import type { MessagePort } from 'node:worker_threads';
import type { StateFile } from '@captrain/model/run';
import type { SharedArray } from '../link/messages.js';

/** What the writer's thread is started with. */
export interface WriterWork {
  /** URI of the run's folder. */
  readonly run: string;
  readonly port: MessagePort;
  /** Leads to the coordinator. */
  readonly speaker: MessagePort;
}

/** Files of a checkpoint to be written, and reported to the coordinator over this connection. */
export interface FilesToWrite {
  readonly connection: number;
  readonly step: number;
  /** Updates that the optimizer has counted. */
  readonly updates: number;
  /** Relative to the run. */
  readonly folder: string;
  readonly files: readonly { readonly file: StateFile; readonly memory: SharedArray }[];
  /** How long the snapshot has kept the worker from computing. */
  readonly stallSeconds: number;
}

export interface ToWriter {
  readonly id: number;
  readonly write: FilesToWrite;
}

/** The files have been written, or not: their memory is needed no more. */
export interface FromWriter {
  readonly done: number;
}
