import { once } from 'node:events';
import { ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { ReduceService, Reducer } from '@captrain/exchange';
import {
  type CoordinatorMessage,
  type Hello,
  type TrainingHandlers,
  type WorkerMessage__Output,
  createServer,
  trainingService,
} from '@captrain/protos';

type Stream = ServerDuplexStream<WorkerMessage__Output, CoordinatorMessage>;
type Kind = Exclude<keyof WorkerMessage__Output, 'body'>;
type Body<K extends Kind> = NonNullable<WorkerMessage__Output[K]>;

/** One connection of a worker, from its hello on; the test says what the coordinator says. */
export class Joined {
  readonly messages: WorkerMessage__Output[] = [];
  ended = false;
  private wake: () => void = () => undefined;

  constructor(
    readonly hello: Hello,
    private readonly stream: Stream,
  ) {
    stream.on('data', (message: WorkerMessage__Output) => {
      this.messages.push(message);
      this.wake();
    });
    const end = () => {
      this.ended = true;
      stream.end();
      this.wake();
    };
    stream.on('end', end).on('cancelled', end).on('error', end);
  }

  send(message: CoordinatorMessage): void {
    this.stream.write(message);
  }

  /** The next message of a kind; those of other kinds are kept. Rejects where the connection ends before. */
  async next<K extends Kind>(kind: K): Promise<Body<K>> {
    for (;;) {
      const index = this.messages.findIndex((message) => message[kind]);
      if (index >= 0) return this.messages.splice(index, 1)[0]![kind] as Body<K>;
      const failed = this.messages.find((message) => message.failed)?.failed?.message;
      if (this.ended || failed) throw new Error(`no ${kind} came: ${failed ?? 'the worker has gone'}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** How many messages of a kind have come and were not taken. */
  count(kind: Kind): number {
    return this.messages.filter((message) => message[kind]).length;
  }

  end(): void {
    this.stream.end();
  }

  refuse(details: string): void {
    this.stream.emit('error', { code: status.FAILED_PRECONDITION, details });
  }

  /** Until the worker has ended the connection. */
  async gone(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

/** A coordinator that leaves to the test what it says, over real gRPC; its reducer is the real one. */
export class ScriptedCoordinator {
  readonly refusals: string[] = [];
  readonly reducer = new Reducer({ onRefused: (_, reason) => this.refusals.push(reason) });
  private readonly reduce = new ReduceService((call) => this.reducer.handle(call));
  private readonly server = createServer(this.reduce);
  private readonly arrivals: Joined[] = [];
  private wake: () => void = () => undefined;
  /** HOST:PORT. */
  address = '';

  /** `port`: where a coordinator was before, to come back there. */
  static async listen(port = 0): Promise<ScriptedCoordinator> {
    const coordinator = new ScriptedCoordinator();
    const { server, reduce } = coordinator;
    const handlers: TrainingHandlers = {
      Work: (stream) => void coordinator.receive(stream),
      Reduce: reduce.Reduce,
    };
    server.addService(trainingService, handlers);
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    coordinator.address = `127.0.0.1:${bound}`;
    return coordinator;
  }

  get port(): number {
    return Number(this.address.split(':')[1]);
  }

  /** The next connection of a worker. */
  async joined(): Promise<Joined> {
    while (this.arrivals.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.arrivals.shift()!;
  }

  /** Breaks all connections off, as the end of its process does. */
  close(): void {
    this.reducer.close('The coordinator has ended.');
    this.server.forceShutdown();
  }

  private async receive(stream: Stream): Promise<void> {
    stream.on('error', () => undefined);
    const [first] = (await once(stream, 'data')) as [WorkerMessage__Output];
    this.arrivals.push(new Joined(first.hello!, stream));
    this.wake();
  }
}
