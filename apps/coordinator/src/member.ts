import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { CoordinatorMessage, Ready, WorkerMessage__Output, WorkerState } from '@captrain/protos';

export type WorkStream = ServerDuplexStream<WorkerMessage__Output, CoordinatorMessage>;

/** A worker of the run, for as long as its control stream lasts. */
export class Member {
  state: WorkerState = 'WORKER_STATE_LOADING';
  /** What it reported once model, data and checkpoint were loaded. */
  ready: Ready | undefined;
  /** Microbatches that it computes in the present step. */
  microbatches = 0;
  captionsPerSecond = 0;

  constructor(
    readonly worker: number,
    readonly name: string,
    private readonly stream: WorkStream,
  ) {}

  get alive(): boolean {
    return this.state !== 'WORKER_STATE_LOST';
  }

  send(message: CoordinatorMessage): void {
    if (this.alive) this.stream.write(message);
  }

  /** Ends the worker's part in the run, telling it why. */
  stop(reason: string): void {
    this.send({ stop: { reason } });
    if (this.alive) this.stream.end();
  }
}

/** What members tell the training loop. */
export type MemberEvent =
  | { readonly type: 'message'; readonly member: Member; readonly message: WorkerMessage__Output }
  | { readonly type: 'lost'; readonly member: Member };
