import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore, readManifest } from '@captrain/data';
import type { RunConfig } from '@captrain/model/run';
import { writeTinyGpt2 } from '@captrain/model/testing';
import type { Computed, Ready, Subtree, Welcome } from '@captrain/protos';
import { createLogger } from '@captrain/runtime';
import { work } from '../work.js';
import { configOver, writeCaptionedImages } from './captioned-images.js';
import { type Joined, ScriptedCoordinator } from './scripted-coordinator.js';

/** Microbatches of every step. */
const LEAVES = 4;

/** The number of another worker, which never computes what a test leases to no one else. */
export const ABSENT = 99;

const fixture = (name: string) => new URL(`../../fixtures/${name}`, import.meta.url);
const programs = {
  link: fixture('link-thread.mjs'),
  feeder: fixture('feeder-thread.mjs'),
  writer: fixture('writer-thread.mjs'),
  collective: fixture('collective-process.mjs'),
};

/** A real worker of this process, and what the coordinator knows of it. */
export interface ScriptedWorker {
  joined: Joined;
  readonly ready: Ready;
  readonly number: number;
  /** Why it was stopped. */
  readonly ended: Promise<string>;
  /** What SIGTERM does. */
  leave(): void;
}

/** Who computes what. */
export type Shares = readonly (readonly [ScriptedWorker, ...Subtree[]])[];

/** A run over a tiny model, with real workers, whose coordinator does what a test says. */
export class ScriptedRun {
  /** That of the newest plan. */
  generation = 0;
  private joinedWorkers = 0;

  private constructor(
    readonly folder: string,
    readonly config: RunConfig,
    private readonly dataDigest: string,
    public coordinator: ScriptedCoordinator,
  ) {}

  static async open(): Promise<ScriptedRun> {
    const folder = mkdtempSync(path.join(tmpdir(), 'captrain-worker-'));
    const [data, languageModel] = [path.join(folder, 'data'), path.join(folder, 'gpt2')];
    writeTinyGpt2(languageModel);
    await writeCaptionedImages(await openStore(data), { images: 40, rowsPerShard: 40, val: 12 });
    const options = { microbatches: LEAVES, device: 'cpu', precision: 'float32' } as const;
    const config = configOver(data, languageModel, options);
    const { digest } = await readManifest(await openStore(data));
    return new ScriptedRun(folder, config, digest, await ScriptedCoordinator.listen());
  }

  close(): void {
    this.coordinator.close();
    rmSync(this.folder, { recursive: true });
  }

  welcome(worker: number, options: Partial<Welcome> = {}): Welcome {
    const { generation, config, dataDigest } = this;
    return {
      ...{ worker, generation, configJson: JSON.stringify(config), run: path.join(this.folder, 'run') },
      ...{ checkpoint: '', checkpointDigests: {}, dataDigest, dim: 6, encoder: 'random' },
      ...{ leaseSeconds: 30, ledger: true, ...options },
    };
  }

  /** Starts a worker, and waits until it is ready. */
  async join(options: Partial<Welcome> = {}): Promise<ScriptedWorker> {
    const controller = new AbortController();
    const number = ++this.joinedWorkers;
    const ended = work({
      ...{ coordinator: this.coordinator.address, name: `worker-${number}`, peerHost: '127.0.0.1' },
      ...{ patience: 10, reconnect: 10, deviceWorkers: 1, signal: controller.signal, programs },
      log: createLogger('worker', { level: 'error' }),
    });
    ended.catch(() => undefined);
    const joined = await this.coordinator.joined();
    joined.send({ welcome: this.welcome(number, options) });
    const ready = await joined.next('ready');
    return { joined, ready, number, ended, leave: () => controller.abort() };
  }

  async stop(...workers: ScriptedWorker[]): Promise<void> {
    for (const { joined } of workers) joined.send({ stop: { reason: 'over', final: true } });
    for (const { ended } of workers) await ended;
  }

  /** The coordinator's process dies; another one takes its place. */
  async replaceCoordinator(): Promise<void> {
    const { port } = this.coordinator;
    this.coordinator.close();
    this.coordinator = await ScriptedCoordinator.listen(port);
    this.generation += 2 ** 20;
  }

  /** Sends a plan under a new generation; `among`: the workers reduce it themselves. */
  plan(step: number, shares: Shares, { among = false } = {}): void {
    const generation = ++this.generation;
    const total = shares[0]![0].ready.parameters;
    const contributions = contributionsOf(shares);
    const bound = (i: number) => Math.round((i * total) / shares.length);
    const reducers = among
      ? shares.map(([{ number, joined }], i) => ({
          address: `127.0.0.1:${joined.hello.peerPort}`,
          worker: number,
          ...{ first: bound(i), end: bound(i + 1) },
        }))
      : [{ address: '', worker: 0, first: 0, end: total }];
    if (!among) {
      const byWorker = new Map(contributions.map(({ worker, subtrees }) => [worker, subtrees]));
      const range = { leaves: LEAVES, total, first: 0, end: total, format: 'float32' as const };
      const reduction = { generation, step, ...range, contributions: byWorker };
      void this.coordinator.reducer.open(reduction).catch(() => undefined);
    }
    for (const [{ joined }, ...subtrees] of shares)
      joined.send({
        plan: { generation, step, subtrees, microbatches: LEAVES, leaves: LEAVES, reducers, contributions },
      });
  }

  /** A worker's next reports under the newest plan. */
  async reports({ joined }: ScriptedWorker, count: number): Promise<Computed[]> {
    const all: Computed[] = [];
    while (all.length < count) {
      const computed = await joined.next('computed');
      if (computed.generation === this.generation) all.push(computed);
    }
    return all;
  }

  /** Until the workers have the global sum under the newest plan. */
  async exchanged(...workers: ScriptedWorker[]): Promise<void> {
    for (const { joined } of workers) while ((await joined.next('exchanged')).generation !== this.generation);
  }

  /** Lets the workers apply what they have exchanged; returns their digests. */
  async update(
    step: number,
    workers: readonly ScriptedWorker[],
    options: { metrics?: string; skip?: boolean } = {},
  ): Promise<string[]> {
    const { generation } = this;
    const about = { generation, step, reportDigest: true, learningRate: 0.01, captionTokens: 100 };
    for (const { joined } of workers) joined.send({ update: { ...about, ...options } });
    const updated = await Promise.all(workers.map(({ joined }) => joined.next('updated')));
    return updated.map(({ digest }) => digest);
  }

  /** A whole step; returns the digests after it. */
  async train(step: number, shares: Shares, options: { among?: boolean } = {}): Promise<string[]> {
    const workers = shares.map(([worker]) => worker);
    this.plan(step, shares, options);
    await this.exchanged(...workers);
    return this.update(step, workers);
  }
}

/** Who is to compute what, the absent worker included. */
function contributionsOf(shares: Shares): { worker: number; subtrees: Subtree[] }[] {
  const contributions = shares.map(([{ number }, ...subtrees]) => ({ worker: number, subtrees }));
  const leased = contributions.flatMap(({ subtrees }) => subtrees);
  const isLeased = (leaf: number) => leased.some(({ first, count }) => leaf >= first && leaf < first + count);
  const rest = [...Array(LEAVES).keys()].filter((leaf) => !isLeased(leaf));
  if (rest.length === 0) return contributions;
  return [...contributions, { worker: ABSENT, subtrees: rest.map((first) => ({ first, count: 1 })) }];
}
