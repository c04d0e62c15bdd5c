import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { ReducerConnection, type Subtree, reduceThrough, subtreeKey } from '@captrain/exchange';
import {
  type CoordinatorMessage__Output,
  type Exchange,
  PROTOCOL_VERSION,
  type Plan,
  TrainingClient,
  type Validate,
  type WorkerMessage,
  channelOptions,
} from '@captrain/protos';
import { PARAMETERS, leafGradient, treeSum } from './leaf-gradients.js';
import type { Script } from './script.js';
import { newPort, sumAmong } from './summing-processes.js';
import { writeFiles } from './write-files.js';

/** A loss whose sum depends on the order of addition, and that is lowest after step 2. */
const exampleLoss = (step: number, caption: number) =>
  (1 + Math.abs(step - 2)) * (0.1 + Math.sin(caption) ** 2);

/** A worker that speaks the whole protocol over real gRPC, and computes made-up gradients instead of a model's. */
export class ScriptedWorker {
  /** The global gradient that it received, by step. */
  readonly gradients = new Map<number, number[]>();
  readonly learningRates: number[] = [];
  readonly skipped: number[] = [];
  /** Every subtree that it computed. */
  readonly computed: { step: number; subtree: Subtree }[] = [];
  /** All that it validated. */
  readonly validated: { step: number; first: number; end: number }[] = [];
  /** The steps whose state it took over. */
  readonly fetched: number[] = [];
  readonly refusals: string[] = [];
  /** The plans in which it had neighbours, whose memory it cannot read. */
  readonly neighbourly: Plan[] = [];
  /** The groups that it had a process in. */
  readonly groups: number[] = [];
  private readonly client: InstanceType<typeof TrainingClient>;
  private readonly reducer: ReducerConnection;
  private readonly sums = new Map<string, Float32Array>();
  private worker = 0;
  private plan: Plan | undefined;
  private run = '';
  private keepsLedger = false;
  private exchange = new AbortController();
  private isSilent = false;
  private isOver = false;
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
    const protocol = PROTOCOL_VERSION;
    const host = this.script.host ?? name;
    this.send({ hello: { name, protocol, peerPort: 1, host, process: 1, generation } });
    const beats = setInterval(() => this.send({ heartbeat: { generation: 0 } }), 100);
    let tail = Promise.resolve();
    let fault: unknown;
    try {
      for await (const message of stream as AsyncIterable<CoordinatorMessage__Output>) {
        if (message.stop) return message.stop.reason;
        if (message.plan?.step === this.script.diesInStep && message.plan) return undefined;
        if (message.validate?.step === this.script.diesValidating && message.validate) return undefined;
        if (message.plan?.step === this.script.failsInStep && message.plan) {
          this.send({ failed: { message: 'its data are damaged', userError: true } });
          continue;
        }
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
      this.isOver = true;
      clearInterval(beats);
      this.exchange.abort();
      stream.cancel();
      this.client.close();
      this.reducer.close();
    }
  }

  private async obey(message: CoordinatorMessage__Output): Promise<void> {
    const { welcome, fit, plan, compute, update, writeCheckpoint, provideState, fetch, refused } = message;
    if (message.exchange) void this.sumCollectively(message.exchange, this.exchange.signal);
    if (refused) this.refusals.push(refused.reason);
    if (welcome) {
      this.worker = welcome.worker;
      this.run = welcome.run;
      this.keepsLedger = welcome.ledger;
      const { loadsFor = 0, onLoaded, holds } = this.script;
      const { heard = holds === undefined ? [] : [holds] } = this.script;
      await sleep(loadsFor);
      onLoaded?.(welcome.checkpoint);
      this.load(welcome.checkpoint);
      this.send({
        ready: {
          parameters: PARAMETERS,
          layoutDigest: this.script.layoutDigest ?? 'layout',
          holding: this.holding(),
          captions: 16,
          device: 'script',
          dataDigest: welcome.dataDigest,
          metrics: heard.map((step) => JSON.stringify({ metrics: { step, loss: 0, workers: 1 } })),
          checkpointFiles: ['model.safetensors', 'optimizer.safetensors'],
        },
      });
    }
    if (fit) this.send({ fitting: { microbatches: this.script.fits ?? 1 } });
    if (provideState)
      this.send({ stateProvided: { generation: provideState.generation, holding: this.holding() } });
    if (fetch) {
      if (fetch.peer === '') this.load(fetch.checkpoint);
      else this.step = fetch.holding!.step;
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
      if (plan.collectiveGroup > 0) return this.enterGroup(plan);
      if (plan.neighbours.length > 0) return this.cannotRead(plan);
      const other = plan.contributions.find(({ worker }) => worker !== this.worker)?.worker;
      if (this.script.accuses && other !== undefined)
        return this.send({
          partRefused: { generation, step, worker: other, kind: 'checksum', reason: 'bad' },
        });
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
    if (writeCheckpoint) {
      const files = await writeFiles(this.run, writeCheckpoint);
      this.send({ checkpointWritten: { step: writeCheckpoint.step, files } });
    }
    if (message.validate) await this.validate(message.validate);
  }

  private async validate({ generation, step, first, end }: Validate): Promise<void> {
    const { validatesSlowly = 0, validatesAtMost = Infinity, validationLoss = exampleLoss } = this.script;
    for (let passed = 0; passed < validatesSlowly; passed += 10) {
      await sleep(10);
      if (this.newest > generation || this.isOver) return;
    }
    if (end - first > validatesAtMost) return this.send({ outOfMemory: { generation, step } });
    this.validated.push({ step, first, end });
    const captions = Array.from({ length: end - first }, (_, i) => first + i);
    const lossSum = captions.reduce((sum, caption) => sum + validationLoss(step, caption), 0);
    this.send({ validated: { generation, step, first, lossSum, captionTokens: 2 * captions.length } });
  }

  /** Alone, it has the sum already. */
  private enterGroup(plan: Plan): void {
    const { generation, step, collectiveGroup: group } = plan;
    this.plan = plan;
    this.exchange = new AbortController();
    if (plan.contributions.length === 1) {
      this.gradients.set(step, this.ownSum());
      return this.send({ exchanged: { generation, step, finite: true } });
    }
    if (this.groups.at(-1) === group) return;
    this.groups.push(group);
    this.send({ collectivePort: { group, port: newPort() } });
  }

  private async sumCollectively(exchange: Exchange, signal: AbortSignal): Promise<void> {
    const { generation, step } = exchange;
    const { sumFails } = this.script;
    if (sumFails?.step === step && sumFails.times-- > 0)
      return this.send({ exchangeFailed: { generation, step, reason: 'no such device' } });
    const sum = await sumAmong(exchange, this.ownSum(), signal).catch(() => undefined);
    if (sum === undefined) return;
    this.gradients.set(step, sum);
    this.saySumIs(sum.every(Number.isFinite), { generation, step });
  }

  private saySumIs(finite: boolean, { generation, step }: { generation: number; step: number }): void {
    const said = this.script.saysSumIsFinite?.(step) ?? finite;
    this.send({ exchanged: { generation, step, finite: said } });
  }

  private ownSum(): number[] {
    const sums = this.plan!.subtrees.map((subtree) => [...this.sums.get(subtreeKey(subtree))!]);
    const zeros = Array<number>(PARAMETERS).fill(0);
    return sums.length === 0 ? zeros : sums.reduce((a, b) => a.map((value, i) => Math.fround(value + b[i]!)));
  }

  private load(checkpoint: string): void {
    const saved = /step-(\d+)/.exec(checkpoint)?.[1];
    if (saved !== undefined && this.script.misses)
      this.send({ stateMissed: { checkpoint, reason: `${checkpoint} is damaged` } });
    else if (saved !== undefined) this.step = Number(saved);
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
      this.saySumIs(finite, { generation, step });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!signal.aborted && !reason.includes('FAILED_PRECONDITION'))
        this.send({ exchangeFailed: { generation, step, reducer: 0, reason } });
    }
  }
}
