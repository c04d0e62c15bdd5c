import type { ServerDuplexStream } from '@grpc/grpc-js';
import type {
  CoordinatorMessage,
  Hello,
  Holding,
  Ready,
  WorkerMessage__Output,
  WorkerState,
} from '@captrain/protos';

export type WorkStream = ServerDuplexStream<WorkerMessage__Output, CoordinatorMessage>;

/** A worker of the run, from its hello until it leaves or its lease is over. */
export class Member {
  state: WorkerState = 'WORKER_STATE_LOADING';
  /** What it reported once model, data and checkpoint were loaded. */
  ready: Ready | undefined;
  /** The state that it last said to hold. */
  holding: Holding | undefined;
  /** Folder of the checkpoint that it was told to load and may be loading. */
  loads = '';
  /** Folder of the last one that it could not load. */
  missed = '';
  /** Why it is lost, or what it could not take over. */
  reason = '';
  /** Whether it takes part in steps: it holds the run's present state. */
  active = false;
  /** It has asked to leave. */
  isLeaving = false;
  /** Microbatches that it computes in the present step. */
  microbatches = 0;
  captionsPerSecond = 0;
  /** Another has said that it was sent another sum by it than it has: it serves none any more. */
  isDistrusted = false;
  /** How often something that it sent was refused. */
  refusals = 0;
  /** When it was last heard of; milliseconds of this process's clock. */
  heardAt = performance.now();
  private isStopped = false;

  constructor(
    readonly worker: number,
    readonly hello: Hello,
    /** HOST:PORT where other workers reach it. */
    readonly peerAddress: string,
    private readonly stream: WorkStream,
  ) {}

  get name(): string {
    return this.hello.name;
  }

  get alive(): boolean {
    return this.state !== 'WORKER_STATE_LOST';
  }

  send(message: CoordinatorMessage): void {
    if (this.alive && !this.isStopped) this.stream.write(message);
  }

  /**
   * Ends the worker's part in the run, telling it why; a final end is one that it does not come back from, and with `fault`
   * it was the worker's own.
   */
  stop(reason: string, { final, fault = false }: { final: boolean; fault?: boolean }): void {
    if (this.isStopped) return;
    this.send({ stop: { reason, final, fault } });
    this.isStopped = true;
    this.stream.end();
  }
}

/** Those of some members that are not relieved of work; all, where all are. */
export function workersAmong(members: readonly Member[]): Member[] {
  const working = members.filter(({ state }) => state !== 'WORKER_STATE_RELIEVED');
  return working.length > 0 ? working : [...members];
}

/** What members tell the training loop. */
export type MemberEvent =
  | { readonly type: 'message'; readonly member: Member; readonly message: WorkerMessage__Output }
  | { readonly type: 'lost'; readonly member: Member; readonly reason: string }
  /** The run cannot go on. */
  | { readonly type: 'ended' }
  /** A reducer of this process refused a worker's part. */
  | {
      readonly type: 'refused';
      readonly generation: number;
      readonly worker: number;
      readonly kind: string;
      readonly reason: string;
    };
