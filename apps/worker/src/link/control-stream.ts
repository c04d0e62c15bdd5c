import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientDuplexStream, type ServiceError, credentials, status } from '@grpc/grpc-js';
import {
  type CoordinatorMessage__Output,
  type Hello,
  type Stop,
  type WorkerMessage,
  TrainingClient,
  channelOptions,
} from '@captrain/protos';
import { type Logger, UserError } from '@captrain/runtime';
import { Pulse } from './pulse.js';

type Stream = ClientDuplexStream<WorkerMessage, CoordinatorMessage__Output>;

/** Seconds that a connection may take to be made, and a coordinator may be silent before its welcome. */
const CONNECT_SECONDS = 2;
const WELCOME_SECONDS = 10;
/** Between connections. */
const PAUSE_MS = { first: 100, most: 1000 };
/** Between attempts at one where nobody listens, which costs next to nothing: all wait for a coordinator that comes back. */
const ATTEMPT_MS = { first: 100, most: 200 };
/** How long last words may take. */
const FAREWELL_MS = 2000;

export interface ControlOptions {
  /** HOST:PORT. */
  readonly coordinator: string;
  /** Seconds to wait for a coordinator that has never answered, and for one that went away. */
  readonly patience: number;
  readonly reconnect: number;
  /** Of the first message. */
  readonly hello: Omit<Hello, 'generation'>;
  readonly log: Logger;
  /** Everything but heartbeats and ends, by the connection's number. */
  received(message: CoordinatorMessage__Output, connection: number): void;
  /** What went on between this worker and the coordinator is void; there will be another welcome. */
  lost(): void;
}

/** How a connection ended. */
type End =
  { readonly stop: Stop } | { readonly lost: string; /** Nobody was there. */ readonly unreached?: boolean };

/**
 * The stream of messages between this worker and whoever leads the run at an address. A coordinator that breaks off, or is
 * silent for a lease, is asked for again and again; one that others have replaced meanwhile, as its generation tells, is
 * told nothing.
 */
export class ControlStream {
  /** Welcomes so far; the number of the present connection, while there is one. */
  private connection = 0;
  private stream: Stream | undefined;
  /** The highest generation heard of. */
  private generation = 0;
  private draining = false;
  private closing = false;
  private finished: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ControlOptions) {}

  /**
   * Works until told to stop for good, or to leave while there is no coordinator. Throws a UserError where none answers
   * for too long, or this worker is refused.
   */
  run(): Promise<Stop> {
    const running = this.attempts();
    this.finished = running.catch(() => undefined);
    return running;
  }

  /** Says something over the connection of that number; over another it would mean something else. */
  say(message: WorkerMessage, connection: number): void {
    if (connection === this.connection) this.stream?.write(message);
  }

  /** Asks to leave. */
  drain(): void {
    this.draining = true;
    this.stream?.write({ drain: {} });
  }

  /** Ends the connection once what was said has left, or after a moment. */
  async close(): Promise<void> {
    this.closing = true;
    if (this.stream === undefined) return;
    this.stream.end();
    await Promise.race([this.finished, sleep(FAREWELL_MS, undefined, { ref: false })]);
    this.stream?.cancel();
  }

  /** Ends a connection whose coordinator has been replaced. */
  private isStale(generation: number): boolean {
    const stale = generation < this.generation;
    this.generation = Math.max(generation, this.generation);
    return stale;
  }

  private async attempts(): Promise<Stop> {
    const { patience, reconnect, log } = this.options;
    let since = performance.now();
    let pause = PAUSE_MS.first;
    for (;;) {
      const before = this.connection;
      const end = await this.connect();
      if ('stop' in end && end.stop.final) return end.stop;
      const reason = 'stop' in end ? end.stop.reason : end.lost;
      if (this.draining || this.closing) return { reason, final: true, fault: false };
      if (this.connection > before) {
        [since, pause] = [performance.now(), PAUSE_MS.first];
        log.warn({ reason }, 'the coordinator went away; this worker keeps its state and asks for it again');
        this.options.lost();
      }
      const waited = (performance.now() - since) / 1000;
      if (waited > (this.connection === 0 ? patience : reconnect)) throw this.nobody(reason);
      await sleep(pause);
      if (!('unreached' in end)) pause = Math.min(2 * pause, PAUSE_MS.most);
    }
  }

  private nobody(reason: string): UserError {
    const { coordinator, reconnect } = this.options;
    return new UserError(
      this.connection === 0
        ? `No coordinator answers at ${coordinator}; start it, or name another with --coordinator.`
        : `The coordinator at ${coordinator} went away (${reason}) and has not come back for ${reconnect} s; see its output.`,
    );
  }

  /** One connection, by a channel of its own: the one before may be a socket that nobody answers any more. */
  private async connect(): Promise<End> {
    const options = {
      ...channelOptions,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': ATTEMPT_MS.first,
      'grpc.max_reconnect_backoff_ms': ATTEMPT_MS.most,
    };
    const client = new TrainingClient(this.options.coordinator, credentials.createInsecure(), options);
    try {
      const deadline = Date.now() + CONNECT_SECONDS * 1000;
      const failed = await new Promise<Error | undefined>((resolve) =>
        client.waitForReady(deadline, resolve),
      );
      return failed ? { lost: failed.message, unreached: true } : await this.converse(client.work());
    } finally {
      this.stream = undefined;
      client.close();
    }
  }

  private async converse(stream: Stream): Promise<End> {
    let silent = '';
    const fallSilent = (seconds: number) => () => {
      silent = `it was silent for ${seconds} s`;
      stream.cancel();
    };
    stream.on('error', () => undefined);
    const beat = () => stream.write({ heartbeat: { generation: this.generation } });
    // Until the lease is known.
    let pulse = new Pulse(WELCOME_SECONDS, beat, fallSilent(WELCOME_SECONDS));
    stream.write({ hello: { ...this.options.hello, generation: this.generation } });
    try {
      const messages: AsyncIterable<CoordinatorMessage__Output> = stream.iterator({ destroyOnReturn: false });
      for await (const message of messages) {
        pulse.heard();
        if (this.isStale((message.welcome ?? message.plan)?.generation ?? this.generation))
          return { lost: 'another coordinator has taken its place' };
        if (message.welcome) {
          pulse.close();
          const { leaseSeconds } = message.welcome;
          pulse = new Pulse(leaseSeconds, beat, fallSilent(leaseSeconds));
          this.begin(stream);
        }
        // Only a final stop ends this worker, and `run` tells of that one.
        if (message.stop) return { stop: message.stop };
        if (!message.heartbeat) this.options.received(message, this.connection);
      }
      return { lost: 'it ended the connection' };
    } catch (error) {
      return { lost: silent || reasonOf(error) };
    } finally {
      pulse.close();
      if (!this.closing) stream.cancel();
    }
  }

  private begin(stream: Stream): void {
    this.stream = stream;
    if (++this.connection > 1) this.options.log.info('the coordinator is back');
    if (this.draining) stream.write({ drain: {} });
  }
}

/** Why a stream broke off, in words. Throws a UserError where the coordinator refuses this worker, and what is no such reason. */
function reasonOf(error: unknown): string {
  const { code, details } = error as Partial<ServiceError>;
  if (code === undefined || details === undefined) throw error;
  if (code === status.FAILED_PRECONDITION) throw new UserError(details, { cause: error });
  return details;
}
