import { SharedMemory } from '@captrain/engine/sums';
import { type RefusalKind, Reducer } from '@captrain/exchange';
import {
  type CoordinatorMessage__Output,
  type Hello,
  type Plan,
  type Update,
  type Welcome,
  type WireFormat,
  type WorkerMessage,
  PROTOCOL_VERSION,
} from '@captrain/protos';
import { type Logger, thisProcess } from '@captrain/runtime';
import { faultOf } from '../thread-fault.js';
import { CollectiveGroup } from './collective-group.js';
import { ControlStream } from './control-stream.js';
import { fetchState } from './fetch-state.js';
import { HeardMetrics } from './heard-metrics.js';
import type { FromLink, LinkWork, ReadySums, Request, Say, SharedArray, ToLink } from './messages.js';
import { PeerServer } from './peer-server.js';
import { Neighbours } from './neighbours.js';
import { ProvidedState } from './provided-state.js';
import { ReducerConnections } from './reducer-connections.js';
import { type SharedView, SharedViews } from './shared-views.js';
import { StepExchange } from './step-exchange.js';

/**
 * What a piece of a collective sum may take, that others load TensorFlow included. It is for processes that stand still while their workers do not: those of a worker
 * that is lost are done without once its lease is over.
 */
const LEAST_TIMEOUT_SECONDS = 60;
const LEASES_FOR_A_PIECE = 3;

/**
 * The worker as the network sees it. What the coordinator says goes on to the main thread, in order; exchanging gradients
 * and serving peers go on here while the main thread computes.
 */
export class LinkProgram {
  private readonly views = new SharedViews();
  private readonly metrics = new HeardMetrics();
  private readonly connections: ReducerConnections;
  private readonly collective: CollectiveGroup;
  private readonly control: ControlStream;
  private welcome: Welcome | undefined;
  private connection = 0;
  private result: SharedView | undefined;
  private exchange: StepExchange | undefined;
  /** Resolves when the last exchange that was cancelled writes nothing any more. */
  private quiet: Promise<void> = Promise.resolve();
  /** Rejects where there is no coordinator to be had. */
  readonly ended: Promise<unknown>;

  private constructor(
    work: LinkWork,
    private readonly reducer: Reducer,
    private readonly state: ProvidedState,
    private readonly neighbours: Neighbours,
    private readonly server: PeerServer,
    private readonly post: (message: FromLink) => void,
    private readonly log: Logger,
  ) {
    this.connections = new ReducerConnections(work.coordinator);
    this.collective = new CollectiveGroup(work.collectiveProgram);
    const { coordinator, patience, reconnect, name } = work;
    this.control = new ControlStream({
      ...{ coordinator, patience, reconnect, log },
      hello: helloOf(name, server.port),
      received: (message, connection) => this.receive(message, connection),
      lost: () => {
        this.cancel();
        this.collective.leave();
        this.post({ lost: true });
      },
    });
    this.ended = this.control.run().then((stop) => {
      this.post({ connection: this.connection, message: { stop } as CoordinatorMessage__Output });
    });
  }

  /** Throws a UserError where peers cannot be served. */
  static async start(work: LinkWork, post: (message: FromLink) => void, log: Logger): Promise<LinkProgram> {
    const state = new ProvidedState();
    const reducer: Reducer = new Reducer({
      onRefused: (worker, reason, kind) => program.refuse(worker, reason, kind),
    });
    const neighbours = new Neighbours();
    const server = await PeerServer.listen(work.peerHost, { reducer, state, neighbours });
    const program = new LinkProgram(work, reducer, state, neighbours, server, post, log);
    return program;
  }

  /** Does what the main thread says. */
  obey(message: ToLink): void {
    if ('say' in message) this.say(message);
    else if ('request' in message) void this.answer(message.request, message.body);
    else if ('result' in message) this.result = this.views.of(message.result);
    else if ('release' in message) this.views.release(message.release);
    else if ('exchange' in message) void this.begin(message.exchange);
    else if ('speaker' in message) message.speaker.on('message', (said: Say) => this.say(said)).unref();
    else if ('drain' in message) this.control.drain();
    else void this.close();
  }

  private say({ connection, say }: Say): void {
    const ready = say.ready && { ...say.ready, metrics: this.metrics.lines };
    this.control.say(ready ? { ready } : say, connection);
  }

  private receive(message: CoordinatorMessage__Output, connection: number): void {
    const { welcome, plan, compute, update, refused, exchange } = message;
    this.connection = connection;
    if (exchange) return this.exchange?.begin(exchange);
    if (refused) return this.log.warn(refused, 'the coordinator refused what this worker sent');
    if (welcome) this.welcome = welcome;
    if (plan) this.open(plan);
    if (compute && compute.generation !== this.exchange?.plan.generation) return;
    if (update && !this.accepts(update)) return;
    this.post({ connection, message });
  }

  /** A plan takes the place of the one before, and of the state that was provided until now. */
  private open(plan: Plan): void {
    this.cancel();
    this.state.withdraw();
    this.connections.keepOf(plan);
    const { welcome, result, connection } = this;
    if (welcome === undefined || result === undefined)
      throw new Error('a plan came before there was a model');
    const say = (message: WorkerMessage) => this.control.say(message, connection);
    this.exchange = new StepExchange(plan, {
      connections: this.connections,
      reducer: this.reducer,
      neighbours: this.neighbours,
      worker: welcome.worker,
      format: formatOf(welcome),
      process: this.collective.open(plan, { welcome, result, say }),
      timeoutSeconds: Math.max(LEAST_TIMEOUT_SECONDS, LEASES_FOR_A_PIECE * welcome.leaseSeconds),
      ...{ result, say },
    });
  }

  private accepts(update: Update): boolean {
    if (!this.exchange?.completes(update)) {
      this.log.warn({ step: update.step }, 'an update of another plan is left out');
      return false;
    }
    this.metrics.hear(update);
    return true;
  }

  private cancel(): void {
    const { exchange } = this;
    this.exchange = undefined;
    this.neighbours.leave();
    if (exchange !== undefined)
      this.quiet = Promise.all([this.quiet, exchange.cancel()]).then(() => undefined);
  }

  private async begin({ generation, step, sums }: ReadySums): Promise<void> {
    const { exchange } = this;
    await this.quiet;
    const isCurrent = exchange?.plan.generation === generation && exchange.plan.step === step;
    if (!isCurrent || exchange !== this.exchange) return;
    exchange.start(sums.map(({ subtree, descriptor }) => ({ subtree, ...this.views.of(descriptor) })));
  }

  /** What is stale changes nothing, and messages race. */
  private refuse(worker: number, reason: string, kind: RefusalKind): void {
    if (this.exchange === undefined || kind === 'stale') return;
    const { generation, step } = this.exchange.plan;
    this.control.say({ partRefused: { generation, step, worker, kind, reason } }, this.connection);
  }

  private async answer(answer: number, request: Request): Promise<void> {
    try {
      this.post({ answer, value: await this.fulfil(request) });
    } catch (error) {
      this.post({ answer, fault: faultOf(error) });
    }
  }

  private async fulfil(request: Request): Promise<number> {
    if ('share' in request) return this.views.map(request.share).bytes;
    const { step, arrays } = 'provide' in request ? request.provide : request.download;
    if ('provide' in request) {
      this.state.provide(step, request.provide.updates, arrays.map(openApart));
      return step;
    }
    const opened = arrays.map(openApart);
    try {
      const flat = opened.map((memory) => memory.floats());
      return await fetchState(request.download.peer, step, flat);
    } finally {
      for (const memory of opened) memory.close();
    }
  }

  private async close(): Promise<void> {
    await this.control.close();
    this.cancel();
    this.collective.leave();
    this.reducer.close('This worker has left.');
    this.state.withdraw();
    this.server.close();
    this.connections.close();
    await this.quiet;
    this.neighbours.close();
    this.views.close();
    this.post({ closed: true });
  }
}

/** Memory that only one request needs. */
function openApart({ descriptor, bytes }: SharedArray): SharedMemory {
  return SharedMemory.open(process.pid, descriptor, bytes);
}

function helloOf(name: string, peerPort: number): Omit<Hello, 'generation'> {
  // Of one boot of a machine and of one numbering of processes, without which none could find another's memory; containers
  // are told apart by their host names, too.
  const { machine, process } = thisProcess();
  // Where that is not known, it has no neighbours.
  const host = machine === '' ? name : machine;
  return { name, protocol: PROTOCOL_VERSION, peerPort, host, process };
}

function formatOf({ configJson }: Welcome): WireFormat {
  const { exchange } = JSON.parse(configJson) as { exchange?: 'exact' | 'bf16' };
  return exchange === 'bf16' ? 'bfloat16' : 'float32';
}
