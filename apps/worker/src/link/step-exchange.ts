import { status } from '@grpc/grpc-js';
import { type ReductionSeen, type Reducer, type SubtreeSum, reduceThrough } from '@captrain/exchange';
import type { Plan, Reducer as ReducerPlace, Update, WireFormat, WorkerMessage } from '@captrain/protos';
import { faultPoint, messageOf } from '@captrain/runtime';
import type { ReducerConnections } from './reducer-connections.js';

export interface ExchangeOptions {
  readonly connections: ReducerConnections;
  /** Of this worker's own range, where it has one. */
  readonly reducer: Reducer;
  /** This worker's number. */
  readonly worker: number;
  readonly format: WireFormat;
  /** Where the global sum is received. */
  readonly result: Float32Array;
  say(message: WorkerMessage): void;
}

/**
 * One plan's exchange: this worker's sums go to all reducers at once, its own range of the global sum is added up here,
 * and all ranges of it arrive in the result. `cancel()` ends it; nothing writes to the result once that has resolved.
 */
export class StepExchange {
  private readonly abort = new AbortController();
  private readonly sums: Promise<readonly SubtreeSum[]>;
  private giveSums!: (sums: readonly SubtreeSum[]) => void;
  private readonly own: Promise<{ finite: boolean }> | undefined;
  private running: Promise<unknown> = Promise.resolve();
  private done = false;

  /** Opens this worker's own range at once: others may send their sums before this one has computed its own. */
  constructor(
    readonly plan: Plan,
    private readonly options: ExchangeOptions,
  ) {
    this.sums = new Promise((resolve) => (this.giveSums = resolve));
    const { generation, step, leaves, contributions } = plan;
    const { reducer, worker, format, result } = options;
    const place = plan.reducers.find((other) => this.isOwn(other));
    if (place === undefined) return;
    const { first, end } = place;
    const shares = new Map(contributions.map((other) => [other.worker, other.subtrees]));
    const range = { generation, step, leaves, total: result.length, first, end, format };
    this.own = reducer.open({ ...range, contributions: shares }, { worker, sums: this.sums, result });
    this.own.catch(() => undefined);
  }

  /** Exchanges these sums, and reports how that ended; once. */
  start(sums: readonly SubtreeSum[]): void {
    this.running = this.exchange(sums);
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

  private async exchange(sums: readonly SubtreeSum[]): Promise<void> {
    const started = performance.now();
    this.giveSums(sums);
    const { generation, step, reducers } = this.plan;
    const outcomes = await Promise.all(reducers.map((reducer, index) => this.through(reducer, index, sums)));
    const all = outcomes.filter((outcome) => outcome !== undefined);
    if (this.abort.signal.aborted || all.length < outcomes.length) return;
    this.done = true;
    this.options.say({
      exchanged: {
        generation,
        step,
        finite: all.every(({ finite }) => finite),
        seconds: (performance.now() - started) / 1000,
        bytesSent: all.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
        bytesReceived: all.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
      },
    });
  }

  /** Undefined where it failed, which the coordinator is told of, unless the plan is not in force any more. */
  private async through(
    reducer: ReducerPlace,
    index: number,
    sums: readonly SubtreeSum[],
  ): Promise<ReductionSeen | undefined> {
    const { generation, step } = this.plan;
    const { connections, worker, format, result } = this.options;
    const { address, first, end } = reducer;
    try {
      if (this.isOwn(reducer)) return { ...(await this.own!), bytesSent: 0, bytesReceived: 0 };
      const range = { generation, step, worker, first, end, total: result.length, format };
      const { signal } = this.abort;
      const onChunkSent = (sent: number, all: number) => {
        if (2 * sent >= all) faultPoint('mid-upload', step);
        if (sent === all) faultPoint('after-last-chunk', step);
      };
      return await reduceThrough(connections.to(address), { ...range, sums, result, signal, onChunkSent });
    } catch (error) {
      // Where it was refused, or is stale, the reducer and the coordinator know. Its own range is broken off by a refusal alone.
      const isKnown = (error as { code?: number }).code === status.FAILED_PRECONDITION || this.isOwn(reducer);
      if (this.abort.signal.aborted || isKnown) return undefined;
      connections.drop(address);
      this.options.say({ exchangeFailed: { generation, step, reducer: index, reason: messageOf(error) } });
      return undefined;
    }
  }
}
