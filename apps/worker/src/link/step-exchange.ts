import { status } from '@grpc/grpc-js';
import {
  type GradientSum,
  NotFinite,
  type ReductionSeen,
  type SumOutcome,
  type Reducer,
  reduceThrough,
} from '@captrain/exchange';
import type {
  Exchange,
  Plan,
  Reducer as ReducerPlace,
  Update,
  WireFormat,
  WorkerMessage,
} from '@captrain/protos';
import { faultPoint, messageOf } from '@captrain/runtime';
import { CollectiveExchange } from './collective-exchange.js';
import { LocalExchange, type OwnSum } from './local-exchange.js';
import { NeighbourFailed } from './neighbour-failed.js';
import type { Neighbours } from './neighbours.js';
import type { ReducerConnections } from './reducer-connections.js';
import type { SharedView } from './shared-views.js';
import type { SummingProcess } from './summing-process.js';

export interface ExchangeOptions {
  readonly connections: ReducerConnections;
  /** The other workers of this host. */
  readonly neighbours: Neighbours;
  /** Of this worker's own range, where it has one. */
  readonly reducer: Reducer;
  /** This worker's number. */
  readonly worker: number;
  readonly format: WireFormat;
  /** Of a collective sum: what sums for this worker, unless it is alone; and how long a piece of the sum may take. */
  readonly process: SummingProcess | undefined;
  readonly timeoutSeconds: number;
  /** Where the global sum is received. */
  readonly result: SharedView;
  say(message: WorkerMessage): void;
}

/**
 * One plan's exchange: this worker's sums go to all reducers at once, its own range of the global sum is added up here,
 * and all ranges of it arrive in the result. Where the plan names neighbours, their sums go with this worker's, or its own
 * with theirs. Where the plan names a group, processes sum instead. `cancel()` ends it; nothing writes to the result once that has resolved.
 */
export class StepExchange {
  private readonly abort = new AbortController();
  private readonly sums: Promise<readonly GradientSum[]>;
  private giveSums!: (sums: readonly GradientSum[]) => void;
  private readonly local: LocalExchange | undefined;
  private readonly collective: CollectiveExchange | undefined;
  private readonly own: Promise<SumOutcome> | undefined;
  /** Of what the reducers sent, once all is there. */
  private sumChecksums: number[] = [];
  private running: Promise<unknown> = Promise.resolve();
  private done = false;

  /** Opens this worker's own range at once: others may send their sums before this one has computed its own. */
  constructor(
    readonly plan: Plan,
    private readonly options: ExchangeOptions,
  ) {
    this.sums = new Promise((resolve) => (this.giveSums = resolve));
    const { generation, step, leaves, contributions } = plan;
    const { reducer, worker, format, neighbours } = options;
    const result = options.result.values;
    this.local = this.amongNeighbours();
    this.collective = this.amongProcesses();
    neighbours.open(plan, this.local);
    const place = plan.reducers.find((other) => this.isOwn(other));
    if (place === undefined) return;
    const { first, end } = place;
    const shares = new Map(contributions.map((other) => [other.worker, other.subtrees]));
    const range = { generation, step, leaves, total: result.length, first, end, format };
    this.own = reducer.open({ ...range, contributions: shares }, { worker, sums: this.sums, result });
    this.own.catch(() => undefined);
  }

  /** Exchanges these sums, and reports how that ended; once. */
  start(sums: readonly OwnSum[]): void {
    this.running = this.exchange(sums);
  }

  /** Everyone is ready for a collective sum. */
  begin(exchange: Exchange): void {
    const { generation, step } = this.plan;
    if (exchange.generation === generation && exchange.step === step) this.collective?.begin(exchange);
  }

  /** Whether an update is for this plan, and may be done. */
  completes({ generation, step, skip }: Update): boolean {
    return generation === this.plan.generation && step === this.plan.step && (this.done || skip);
  }

  async cancel(): Promise<void> {
    this.abort.abort();
    if (this.own) this.options.reducer.close('Another plan has taken the place of this one.');
    await this.running;
  }

  private isOwn({ address, worker }: ReducerPlace): boolean {
    return address !== '' && worker === this.options.worker;
  }

  private amongNeighbours(): LocalExchange | undefined {
    if (this.plan.neighbours.length === 0) return undefined;
    return new LocalExchange(this.plan, {
      ...this.options,
      signal: this.abort.signal,
      outward: (sums) => this.outward(sums),
      failed: (error) => this.tellOf(error, {}),
    });
  }

  private amongProcesses(): CollectiveExchange | undefined {
    if (this.plan.collectiveGroup === 0) return undefined;
    const { process, timeoutSeconds, result } = this.options;
    const { signal } = this.abort;
    return new CollectiveExchange(this.plan, { process, timeoutSeconds, result: result.values, signal });
  }

  private async exchange(own: readonly OwnSum[]): Promise<void> {
    const started = performance.now();
    const seen = await (this.collective
      ? this.collectively(this.collective, own)
      : (this.local?.run(own) ?? this.outward(own)));
    if (this.abort.signal.aborted || seen === undefined) return;
    this.done = true;
    this.exchanged({ ...seen, seconds: (performance.now() - started) / 1000 });
  }

  private exchanged(seen: ReductionSeen & { seconds: number }): void {
    const { generation, step } = this.plan;
    const { sumChecksums } = this;
    this.options.say({ exchanged: { generation, step, sumChecksums, ...seen } });
  }

  private async collectively(
    collective: CollectiveExchange,
    own: readonly OwnSum[],
  ): Promise<ReductionSeen | undefined> {
    try {
      return await collective.run(own);
    } catch (error) {
      this.tellOf(error, {});
      return undefined;
    }
  }

  /** Exchanges sums with all reducers. */
  private async outward(sums: readonly GradientSum[]): Promise<ReductionSeen | undefined> {
    this.giveSums(sums);
    const { reducers } = this.plan;
    const outcomes = await Promise.all(reducers.map((reducer, index) => this.through(reducer, index, sums)));
    const all = outcomes.filter((outcome) => outcome !== undefined);
    if (all.length < outcomes.length) return undefined;
    this.sumChecksums = all.map(({ checksum }) => checksum);
    return {
      finite: all.every(({ finite }) => finite),
      bytesSent: all.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
      bytesReceived: all.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
    };
  }

  /** Undefined where it failed, which the coordinator is told of, unless the plan is not in force any more. */
  private async through(
    reducer: ReducerPlace,
    index: number,
    sums: readonly GradientSum[],
  ): Promise<(ReductionSeen & SumOutcome) | undefined> {
    const { generation, step, leaves } = this.plan;
    const { connections, worker, format } = this.options;
    const result = this.options.result.values;
    const { address, first, end } = reducer;
    try {
      if (this.isOwn(reducer)) return { ...(await this.own!), bytesSent: 0, bytesReceived: 0 };
      const range = { generation, step, worker, leaves, first, end, total: result.length, format };
      const { signal } = this.abort;
      const onChunkSent = (sent: number, all: number) => {
        if (2 * sent >= all) faultPoint('mid-upload', step);
        if (sent === all) faultPoint('after-last-chunk', step);
      };
      return await reduceThrough(connections.to(address), { ...range, sums, result, signal, onChunkSent });
    } catch (error) {
      // Its own range is broken off by a refusal alone, which the coordinator knows of.
      if (this.isOwn(reducer) && !(error instanceof NotFinite)) return undefined;
      if (this.tellOf(error, { reducer: index })) connections.drop(address);
      return undefined;
    }
  }

  /** Tells the coordinator of a failure. False where that is needless: it knows, or the plan is not in force any more. */
  private tellOf(error: unknown, failed: { reducer?: number }): boolean {
    const { generation, step } = this.plan;
    const { say } = this.options;
    const { code } = ((error as Error).cause ?? error) as { code?: number };
    // What was refused, or is stale, whoever refused it has told of.
    if (this.abort.signal.aborted || code === status.FAILED_PRECONDITION) return false;
    const reason = messageOf(error);
    if (error instanceof NotFinite) {
      const seen = { finite: false, seconds: 0, bytesSent: 0, bytesReceived: 0 };
      if (error.part === undefined) this.exchanged(seen);
      else {
        const worker = this.local!.ownerOf(error.part);
        say({ partRefused: { generation, step, worker, kind: 'nonFinite', reason } });
      }
    } else if (error instanceof NeighbourFailed) {
      const { worker, unreadable } = error;
      say({ exchangeFailed: { generation, step, reason, neighbour: { worker, unreadable } } });
    } else say({ exchangeFailed: { generation, step, reason, ...failed } });
    return true;
  }
}
