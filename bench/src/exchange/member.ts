import grpc from '@grpc/grpc-js';
import { SharedMemory } from '@captrain/engine/sums';
import {
  ReduceService,
  Reducer,
  ReducerConnection,
  type SubtreeSum,
  reduceThrough,
} from '@captrain/exchange';
import { type Neighbour, type Plan, type WireFormat, createServer, peerService } from '@captrain/protos';
import {
  CollectiveExchange,
  LocalExchange,
  Neighbours,
  type SharedView,
  SharedViews,
  SummingProcess,
} from '@captrain/worker';
import { fillGradient, verifySum } from './gradient-pattern.js';

/** One exchange as a member is told of it: each worker contributes the microbatch of its number. */
export interface ExchangeOrder {
  step: number;
  format: WireFormat;
  workers: number;
  /** Which of them this member is; a member that only sums is none. */
  worker?: number;
  /** Who sums which range, by port. */
  reducers: { port: number; first: number; end: number }[];
  /** Workers that exchange in shared memory instead. */
  neighbours?: Neighbour[];
  /** HOST:PORT of every worker's summing process, where they sum by collectives instead. */
  processes?: string[];
  /** The gradient's length. */
  total: number;
}

export interface ExchangeAnswer {
  seconds: number;
  bytesSent: number;
  bytesReceived: number;
}

/** A worker without a model, or a reducer for others. */
export class Member {
  private readonly connections = new Map<number, ReducerConnection>();
  private readonly faults: string[] = [];
  private readonly reducer = new Reducer({ onRefused: (_worker, reason) => this.faults.push(reason) });
  private readonly neighbours = new Neighbours();
  private readonly views = new SharedViews();
  private readonly memory: SharedMemory;
  /** Receives sums of neighbours, which read each other's gradients. */
  private result: SharedMemory | undefined;
  private summing: SummingProcess | undefined;
  port = 0;

  private readonly server: grpc.Server;

  private constructor(private readonly values: number) {
    this.memory = this.share(Math.max(1, values));
    const reduce = new ReduceService((call) => this.reducer.handle(call));
    this.server = createServer(reduce);
    this.server.addService(peerService, { Reduce: reduce.Reduce, ...this.neighbours.handlers });
  }

  private share(values: number): SharedMemory {
    const memory = SharedMemory.create(values * 4);
    this.views.map(memory);
    return memory;
  }

  private get gradient(): Float32Array {
    return this.memory.floats();
  }

  /** Serves on a free port of the loopback device. */
  static async listen(values: number): Promise<Member> {
    const member = new Member(values);
    member.port = await new Promise<number>((resolve, reject) => {
      member.server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    return member;
  }

  /** Puts the first values of this worker's gradient in place. */
  fill(worker: number, values: number): void {
    fillGradient(this.gradient.subarray(0, values), worker);
  }

  /**
   * Takes part in an exchange, and verifies the sum afterwards, which takes the gradient's place. A member that only
   * sums answers at once.
   */
  async exchange(order: ExchangeOrder): Promise<ExchangeAnswer> {
    const { step, format, workers, worker, reducers, total } = order;
    if (order.neighbours !== undefined) return this.exchangeHere(order, order.neighbours);
    if (order.processes !== undefined) return this.exchangeCollectively(order, order.processes);
    const started = performance.now();
    const id = { generation: 1, step };
    const own = reducers.find(({ port }) => port === this.port);
    const sums: SubtreeSum[] =
      worker === undefined ? [] : [{ subtree: { first: worker, count: 1 }, values: this.gradient }];
    const result = this.gradient;
    const parts: Promise<unknown>[] = [];
    const bytes = { bytesSent: 0, bytesReceived: 0 };
    if (own !== undefined) {
      const contributions = new Map(
        Array.from({ length: workers }, (_, each) => [each, [{ first: each, count: 1 }]] as const),
      );
      const { first, end } = own;
      const summed = this.reducer.open(
        { ...id, leaves: workers, total, first, end, format, contributions },
        worker === undefined ? undefined : { worker, sums, result },
      );
      if (worker !== undefined) parts.push(summed);
    }
    if (worker !== undefined)
      for (const { port, first, end } of reducers) {
        if (port === this.port) continue;
        const part = { ...id, worker, leaves: workers, first, end, total, format, sums, result };
        const signal = new AbortController().signal;
        const call = reduceThrough(this.connectionTo(port), { ...part, signal });
        const counted = call.then((seen) => {
          bytes.bytesSent += seen.bytesSent;
          bytes.bytesReceived += seen.bytesReceived;
        });
        parts.push(counted);
      }
    await Promise.all(parts);
    const seconds = (performance.now() - started) / 1000;
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
    if (worker !== undefined) verifySum(result, workers, reducers.at(-1)!.end);
    return { seconds, ...bytes };
  }

  /** The same among workers of one host. */
  private async exchangeHere(
    { step, workers, worker, total }: ExchangeOrder,
    neighbours: Neighbour[],
  ): Promise<ExchangeAnswer> {
    const [own, result] = [this.views.of(this.memory.descriptor), this.resultView];
    const started = performance.now();
    const signal = new AbortController().signal;
    // Generations go up: those of other ways are all 1.
    const plan = { generation: 1 + step, step, leaves: workers, neighbours, reducers: [], contributions: [] };
    const exchange = new LocalExchange(plan as unknown as Plan, {
      ...{ neighbours: this.neighbours, worker: worker!, result, signal },
      outward: () => Promise.reject(new Error('these workers are all that there are')),
      failed: (error) => this.faults.push(String(error)),
    });
    this.neighbours.open(plan as unknown as Plan, exchange);
    await exchange.run([{ subtree: { first: worker!, count: 1 }, ...own }]);
    const seconds = (performance.now() - started) / 1000;
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
    verifySum(result.values, workers, total);
    return { seconds, bytesSent: 0, bytesReceived: 0 };
  }

  /** Starts the process that sums for this worker, unless it is there; resolves to where it listens. */
  summingPort(): Promise<number> {
    this.summing ??= new SummingProcess({ engine: { device: 'cpu', threads: 0 }, result: this.resultView });
    return this.summing.port;
  }

  /** The same by TensorFlow's collectives. */
  private async exchangeCollectively(
    { step, workers, worker, total }: ExchangeOrder,
    addresses: string[],
  ): Promise<ExchangeAnswer> {
    const result = this.resultView.values;
    const started = performance.now();
    const plan = { generation: 1, step, leaves: workers, contributions: Array.from({ length: workers }) };
    const exchange = new CollectiveExchange(plan as unknown as Plan, {
      ...{ process: this.summing, result, timeoutSeconds: 60, signal: new AbortController().signal },
    });
    exchange.begin({ generation: 1, step, addresses, rank: worker! });
    await exchange.run([{ subtree: { first: worker!, count: 1 }, values: this.gradient }]);
    const seconds = (performance.now() - started) / 1000;
    verifySum(result, workers, total);
    return { seconds, bytesSent: 0, bytesReceived: 0 };
  }

  private get resultView(): SharedView {
    this.result ??= this.share(this.values);
    return this.views.of(this.result.descriptor);
  }

  close(): void {
    void this.summing?.end();
    this.reducer.close('the member ends');
    for (const connection of this.connections.values()) connection.close();
    this.server.forceShutdown();
  }

  private connectionTo(port: number): ReducerConnection {
    let connection = this.connections.get(port);
    if (connection === undefined) {
      connection = new ReducerConnection(`127.0.0.1:${port}`, 'Peer');
      this.connections.set(port, connection);
    }
    return connection;
  }
}
