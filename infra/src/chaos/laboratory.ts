import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Minio, startMinio } from '@captrain/data/testing';
import { ByteProxy } from './byte-proxy.js';
import type { ChaosCase, Need, Stage } from './chaos-case.js';
import { Cluster } from './cluster.js';
import { limitsArePossible } from './file-limit.js';
import { hostNamesArePossible } from './host-names.js';
import { mountsArePossible } from './full-disk.js';
import { NamespacedNetwork } from './namespaces.js';
import { type RunContents, readContents } from './run-contents.js';
import { type Inputs, type Training, trainingFlags, writeInputs } from './variants.js';

const BUCKET = 'chaos';

/** Short, so that nobody waits long for who is gone. */
const leases = ['--lease-seconds', '2', '--leader-lease-seconds', '2'];

/** A stage, as the runner has it. */
export interface OpenStage extends Stage {
  readonly env: Readonly<Record<string, string>>;
  readonly complaints: string[];
  close(): Promise<void>;
}

/**
 * What all cases share: the data and models that they train on, the results of undisturbed runs, and what this
 * machine allows.
 */
export class Laboratory {
  private readonly references = new Map<string, Promise<RunContents>>();
  private readonly allowed = new Map<Need, Promise<boolean>>();
  private broken: Promise<string> | undefined;

  private constructor(
    readonly folder: string,
    readonly inputs: Inputs,
  ) {}

  static async open(): Promise<Laboratory> {
    const folder = await mkdtemp(path.join(tmpdir(), 'captrain-chaos-'));
    return new Laboratory(folder, await writeInputs(folder));
  }

  /** Whether a case can be run here. */
  async allows({ needs }: Pick<ChaosCase, 'needs'>): Promise<boolean> {
    if (needs === undefined) return true;
    const known = this.allowed.get(needs) ?? this.find(needs);
    this.allowed.set(needs, known);
    return await known;
  }

  private async find(need: Need): Promise<boolean> {
    if (need === 'namespaces') return await NamespacedNetwork.isPossible();
    if (need === 'mounts') return await mountsArePossible();
    if (need === 'limits') return await limitsArePossible();
    if (need === 'hostNames') return await hostNamesArePossible();
    const minio = await openMinio();
    await minio?.close();
    return minio !== undefined;
  }

  /** What an undisturbed run of one worker leaves; it is run once. */
  undisturbed(training: Training): Promise<RunContents> {
    const key = Object.values(training).join('-');
    const known = this.references.get(key) ?? this.train(key, training);
    this.references.set(key, known);
    return known;
  }

  /** Everything for a case, whose processes carry the mark in their environment. */
  async stage(chaos: ChaosCase, training: Training, folder: string, mark: string): Promise<OpenStage> {
    // One of its own: a case that takes it down is to disturb no other.
    const minio = chaos.needs === 'minio' ? await openMinio() : undefined;
    const network = chaos.needs === 'namespaces' ? await NamespacedNetwork.create() : undefined;
    const place = await network?.addPlace('coordinator');
    const hosts = (await this.allows({ needs: 'hostNames' })) ? (chaos.hosts ?? 1) : 1;
    const run = minio ? `s3://${BUCKET}/${path.basename(folder)}` : path.join(folder, 'run');
    const env = { ...minio?.env, CAPTRAIN_TEST_MARK: mark };
    const flags = [
      ...trainingFlags(this.inputs, training, run),
      ...['--workers', String(chaos.workers ?? 2), '--ledger', ...leases],
      ...(chaos.neighbours ? [] : ['--no-local-aggregation']),
      ...(chaos.flags ?? []),
    ];
    const complaints: string[] = [];
    const cleaning: (() => Promise<void> | void)[] = [];
    if (network) cleaning.push(() => network.close());
    if (minio) cleaning.push(() => minio.close());
    return {
      cluster: new Cluster({ folder, run, flags, env, hosts, ...(place && { place }) }),
      folder,
      run,
      env,
      complaints,
      interrupted: () => this.interrupted(training),
      minio: minio!,
      network: network!,
      complain: (sentence) => void complaints.push(sentence),
      atEnd: (clean) => void cleaning.unshift(clean),
      proxy: async (port) => {
        const proxy = await ByteProxy.listen(port);
        cleaning.unshift(() => proxy.close());
        return proxy;
      },
      close: async () => {
        for (const clean of cleaning) await clean();
      },
    };
  }

  async close(keep: boolean): Promise<void> {
    if (!keep) await rm(this.folder, { recursive: true, force: true });
  }

  /** The folder of a run that was killed at step 12, with checkpoints of steps 4 and 8. */
  private interrupted(training: Training): Promise<string> {
    this.broken ??= this.interrupt(training);
    return this.broken;
  }

  private async train(name: string, training: Training): Promise<RunContents> {
    const { run, cluster } = this.alone(name, training, ['--keep-checkpoints', '0']);
    try {
      await cluster.startCoordinator();
      const worker = cluster.startWorker();
      await cluster.finished();
      await worker.ended;
      return await readContents(run, {});
    } finally {
      cluster.kill();
    }
  }

  private async interrupt(training: Training): Promise<string> {
    const checkpoints = ['--ledger', '--checkpoint-every', '4', '--keep-checkpoints', '3'];
    const { run, cluster } = this.alone('interrupted', training, checkpoints);
    try {
      cluster.restarts = false;
      const coordinator = await cluster.startCoordinator({ fault: 'before-manifest@12' });
      cluster.startWorker();
      await coordinator.ended;
      return run;
    } finally {
      cluster.kill();
    }
  }

  /** A run of one worker, to which nothing is done. */
  private alone(name: string, training: Training, flags: readonly string[] = []) {
    const folder = path.join(this.folder, 'undisturbed', name);
    mkdirSync(folder, { recursive: true });
    const run = path.join(folder, 'run');
    const all = [...trainingFlags(this.inputs, training, run), ...flags];
    return { run, cluster: new Cluster({ folder, run, flags: all, env: {} }) };
  }
}

/** With a bucket for a run; undefined where there is none to be had. */
async function openMinio(): Promise<Minio | undefined> {
  const minio = await startMinio();
  await minio?.createBucket(BUCKET);
  return minio;
}
