import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { openStore } from '@captrain/data';
import { ReducerConnection, type Subtree, reduceThrough, subtreeKey } from '@captrain/exchange';
import {
  type CoordinatorMessage__Output,
  PROTOCOL_VERSION,
  type Plan,
  TrainingClient,
  type WorkerMessage,
  channelOptions,
} from '@captrain/protos';
import { sha256 } from '@captrain/runtime';
import { type LeafGradient, PARAMETERS, leafGradient, treeSum } from './leaf-gradients.js';

export interface Script {
  name: string;
  /** The machine that it says to be on. Default: one of its own. */
  host?: string;
  layoutDigest?: string;
  /** The digest of its state after a step. */
  digest?: (step: number) => string;
  lossSum?: number;
  /** The gradient of a microbatch; of all workers the same unless given. */
  leaf?: LeafGradient;
  /** The fewest microbatches that it says fit its memory. Default: 1. */
  fits?: number;
  /** The fewest microbatches of a step that it computes: with fewer its memory is too small. Default: any. */
  needs?: (step: number) => number;
  /** Goes away, as a killed process does, when told to compute this step. */
  diesInStep?: number;
  /** Milliseconds that it takes for a microbatch. */
  slowness?: number;
  /** Is not heard of any more from this step on, though its connection stays. */
  fallsSilentInStep?: number;
  /** Says that sums are not finite. */
  saysNotFinite?: (step: number) => boolean;
  /** Asks to leave once it was told to update by this step. */
  leavesAfterStep?: number;
  /** Comes only after another was told to update by this step. */
  joinsAfterStep?: number;
  /** Is called when it was told to update by a step. */
  onUpdate?: (step: number) => void;
  /** The state that it holds already: it has outlived a coordinator. */
  holds?: number;
}

/** A worker that speaks the whole protocol over real gRPC, and computes made-up gradients instead of a model's. */
export class ScriptedWorker {
  /** The global gradient that it received, by step. */
  readonly gradients = new Map<number, number[]>();
  readonly learningRates: number[] = [];
  readonly skipped: number[] = [];
  /** Every subtree that it computed. */
  readonly computed: { step: number; subtree: Subtree }[] = [];
  /** The steps whose state it took over. */
  readonly fetched: number[] = [];
  readonly refusals: string[] = [];
  /** The plans in which it had neighbours, whose memory it cannot read. */
  readonly neighbourly: Plan[] = [];
  private readonly client: InstanceType<typeof TrainingClient>;
  private readonly reducer: ReducerConnection;
  private readonly sums = new Map<string, Float32Array>();
  private worker = 0;
  private run = '';
  private keepsLedger = false;
  private exchange = new AbortController();
  private isSilent = false;
  private newest = 0;
  private step: number;
  private send!: (message: WorkerMessage) => void;

  constructor(
    address: string,
    private readonly script: Script,
  ) {
    this.client = new TrainingClient(address, credentials.createInsecure(), channelOptions);
    this.reducer = new ReducerConnection(address, 'Training');
    this.step = script.holds ?? 0;
  }

  /** Works until it is stopped; returns the coordinator's reason, or undefined where it died as scripted. */
  async work(): Promise<string | undefined> {
    const stream = this.client.work();
    this.send = (message) => {
      if (!this.isSilent) stream.write(message);
    };
    const { name, holds } = this.script;
    const generation = holds === undefined ? 0 : 1;
    this.send({
      hello: {
        name,
        protocol: PROTOCOL_VERSION,
        peerPort: 1,
        host: this.script.host ?? name,
        process: 1,
        generation,
      },
    });
    const beats = setInterval(() => this.send({ heartbeat: { generation: 0 } }), 100);
    let tail = Promise.resolve();
    let fault: unknown;
    try {
      for await (const message of stream as AsyncIterable<CoordinatorMessage__Output>) {
        if (message.stop) return message.stop.reason;
        if (message.plan?.step === this.script.diesInStep && message.plan) return undefined;
        if (message.plan?.step === this.script.fallsSilentInStep && message.plan) this.isSilent = true;
        if (message.plan) {
          this.exchange.abort();
          this.newest = message.plan.generation;
        }
        tail = tail.then(() => this.obey(message)).catch((error: unknown) => void (fault ??= error));
      }
      if (fault !== undefined) throw fault;
      return undefined;
    } finally {
      clearInterval(beats);
      this.exchange.abort();
      stream.cancel();
      this.client.close();
      this.reducer.close();
    }
  }

  private async obey(message: CoordinatorMessage__Output): Promise<void> {
    const { welcome, fit, plan, compute, update, writeCheckpoint, provideState, fetch, refused } = message;
    if (refused) this.refusals.push(refused.reason);
    if (welcome) {
      this.worker = welcome.worker;
      this.run = welcome.run;
      this.keepsLedger = welcome.ledger;
      const saved = /step-(\d+)/.exec(welcome.checkpoint)?.[1];
      if (this.script.holds === undefined && saved !== undefined) this.step = Number(saved);
      this.send({
        ready: {
          parameters: PARAMETERS,
          layoutDigest: this.script.layoutDigest ?? 'layout',
          holding: this.holding(),
          captions: 16,
          device: 'script',
          dataDigest: welcome.dataDigest,
          checkpointFiles: ['model.safetensors', 'optimizer.safetensors'],
        },
      });
    }
    if (fit) this.send({ fitting: { microbatches: this.script.fits ?? 1 } });
    if (provideState)
      this.send({ stateProvided: { generation: provideState.generation, holding: this.holding() } });
    if (fetch) {
      this.step = fetch.holding!.step;
      this.fetched.push(this.step);
      this.send({ holding: this.holding() });
    }
    if (compute) {
      for (const subtree of compute.subtrees) await this.compute(compute, subtree);
    }
    if (plan) {
      const { generation, step, subtrees, microbatches, leaves } = plan;
      if (microbatches < (this.script.needs?.(step) ?? 0))
        return this.send({ outOfMemory: { generation, step } });
      for (const subtree of subtrees) await this.compute({ generation, step, leaves }, subtree);
      if (this.newest > generation) return;
      if (plan.neighbours.length > 0) return this.cannotRead(plan);
      this.exchange = new AbortController();
      void this.reduce(plan, this.exchange.signal);
    }
    if (update) {
      const { generation, step, learningRate, skip } = update;
      if (skip) this.skipped.push(step);
      else this.learningRates.push(learningRate);
      this.step = step;
      this.sums.clear();
      const digest = update.reportDigest ? this.holding().digest : '';
      this.send({ updated: { generation, step, digest } });
      this.script.onUpdate?.(step);
      if (step === this.script.leavesAfterStep) this.send({ drain: {} });
    }
    if (writeCheckpoint) await this.write(writeCheckpoint);
  }

  private cannotRead(plan: Plan): void {
    this.neighbourly.push(plan);
    const { generation, step, neighbours } = plan;
    const { worker } = neighbours.find((other) => other.worker !== this.worker)!;
    const reason = 'no shared memory';
    this.send({ exchangeFailed: { generation, step, reason, neighbour: { worker, unreadable: true } } });
  }

  private holding(): { step: number; digest: string } {
    return { step: this.step, digest: this.script.digest?.(this.step) ?? `state of step ${this.step}` };
  }

  private async compute(
    { generation, step, leaves = 0 }: { generation: number; step: number; leaves?: number },
    subtree: Subtree,
  ): Promise<void> {
    const key = subtreeKey(subtree);
    const count = leaves === 0 ? subtree.count : Math.min(subtree.count, leaves - subtree.first);
    let computeSeconds = 0;
    if (!this.sums.has(key)) {
      const { slowness = 0, leaf = leafGradient } = this.script;
      for (let passed = 0; passed < slowness * count; passed += 10) {
        await sleep(10);
        if (this.newest > generation) return;
      }
      const end = subtree.first + count;
      this.sums.set(key, Float32Array.from(treeSum(step, subtree.first, subtree.count, end, leaf)));
      this.computed.push({ step, subtree });
      computeSeconds = Math.max(1e-3, (slowness * count) / 1000);
    }
    this.send({
      computed: {
        generation,
        step,
        subtree,
        lossSums: Array<number>(count).fill(this.script.lossSum ?? 2),
        captionTokens: Array<number>(count).fill(4),
        captions: 2 * count,
        computeSeconds,
        notFinite: this.script.saysNotFinite?.(step) ?? false,
        samples: this.keepsLedger ? Array.from({ length: 2 * count }, (_, i) => 2 * subtree.first + i) : [],
      },
    });
  }

  private async reduce(
    plan: { generation: number; step: number; leaves: number; subtrees: Subtree[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { generation, step, leaves } = plan;
    const result = new Float32Array(PARAMETERS);
    const sums = plan.subtrees.map((subtree) => ({ subtree, values: this.sums.get(subtreeKey(subtree))! }));
    const range = { first: 0, end: PARAMETERS, total: PARAMETERS };
    const ids = { generation, step, leaves, worker: this.worker, format: 'float32' as const };
    try {
      const { finite } = await reduceThrough(this.reducer, { ...ids, ...range, sums, result, signal });
      this.gradients.set(step, [...result]);
      this.send({ exchanged: { generation, step, finite } });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!signal.aborted && !reason.includes('FAILED_PRECONDITION'))
        this.send({ exchangeFailed: { generation, step, reducer: 0, reason } });
    }
  }

  private async write({
    step,
    folder,
    files,
  }: {
    step: number;
    folder: string;
    files: string[];
  }): Promise<void> {
    const store = await openStore(this.run);
    const written = [];
    for (const name of files) {
      const bytes = Buffer.from(`${name} of step ${step}`);
      await store.put(`${folder}/${name}`, bytes);
      written.push({ name, bytes: bytes.length, sha256: sha256(bytes) });
    }
    this.send({ checkpointWritten: { step, files: written } });
  }
}
