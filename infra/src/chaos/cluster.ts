import path from 'node:path';
import type { RunStatus__Output as RunStatus } from '@captrain/protos';
import { UserError } from '@captrain/runtime';
import { freePort } from '../testing/status.js';
import { until } from '../testing/until.js';
import { CaseProcess, type Level, describeEnd } from './case-process.js';
import { onHost } from './host-names.js';
import type { Place } from './namespaces.js';
import { runExists } from './run-contents.js';
import { StatusPoll } from './status-poll.js';

/** From a coordinator's end to its restart. */
const RESTART_MS = 200;

/** How many times a killed coordinator is started again. */
const MOST_RESTARTS = 10;

export interface ClusterOptions {
  /** For the processes' output. */
  readonly folder: string;
  /** URI of the run. */
  readonly run: string;
  /** Flags of the coordinator, the run among them. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Workers are on so many hosts in turn, as far as they know; on this one unless more than one. */
  readonly hosts?: number;
  /** Where the coordinator runs, if not on this machine's own network. */
  readonly place?: Place;
}

export interface StartOptions {
  /** `CAPTRAIN_FAULT`. */
  readonly fault?: string;
  readonly place?: Place;
  /** HOST:PORT by which a worker calls the coordinator; its own unless given. */
  readonly through?: string;
  readonly env?: Record<string, string>;
}

/** A coordinator's memory and descriptors once it had done some steps, and as last seen. */
export interface Levels {
  before?: Level;
  after?: Level;
}

/**
 * The processes of one run, and what a cluster's scheduler does for them: a coordinator that is killed is started again
 * on its port, and resumes the run if there is one. Workers come and go as the case says.
 */
export class Cluster {
  readonly workers: CaseProcess[] = [];
  readonly coordinators: CaseProcess[] = [];
  readonly levels = new Map<CaseProcess, Levels>();
  /** Every state that a worker was in, as the status told: `worker-1 RELIEVED`. */
  private readonly seen = new Set<string>();
  /** The most workers that the run had at a time. */
  mostWorkers = 0;
  /** Whether a killed coordinator is started again. */
  restarts = true;
  /** Variables of all processes that are started from now on. */
  readonly env: Record<string, string>;
  private poll: StatusPoll | undefined;
  private port = 0;
  private over = false;

  constructor(private readonly options: ClusterOptions) {
    this.env = { ...options.env };
  }

  /** Where the coordinator runs, if not on this machine's own network. */
  get place(): Place | undefined {
    return this.options.place;
  }

  /** HOST:PORT of the coordinator. */
  get address(): string {
    return `${this.options.place?.address ?? '127.0.0.1'}:${this.port}`;
  }

  get status(): RunStatus | undefined {
    return this.poll?.status;
  }

  get coordinator(): CaseProcess {
    return this.coordinators.at(-1)!;
  }

  get livingWorkers(): CaseProcess[] {
    return this.workers.filter(({ runs }) => runs);
  }

  /** Starts the coordinator, or starts it again: then with the run that there is. */
  async startCoordinator({ fault }: StartOptions = {}): Promise<CaseProcess> {
    this.port ||= await freePort();
    const coordinator = await this.spawnCoordinator(this.port, fault);
    this.coordinators.push(coordinator);
    this.levels.set(coordinator, {});
    this.poll ??= new StatusPoll(this.address, (status) => this.note(status));
    void coordinator.ended.then(({ signal }) => {
      if (signal !== 'SIGKILL' || !this.restarts || this.coordinators.length > MOST_RESTARTS) return;
      setTimeout(() => void (this.over || this.startCoordinator()), RESTART_MS);
    });
    return coordinator;
  }

  /** A coordinator of this run on another port, which nobody starts again. */
  async startRival(): Promise<{ rival: CaseProcess; port: number }> {
    const port = await freePort();
    const rival = await this.spawnCoordinator(port);
    rival.mayEnd = true;
    return { rival, port };
  }

  /** Starts coordinators on another port until one leads the run: it is this cluster's then. Returns the port. */
  async succeed(seconds = 30): Promise<number> {
    const deadline = performance.now() + seconds * 1000;
    while (performance.now() < deadline) {
      const { rival, port } = await this.startRival();
      const serves = until('it serves', () => /"listening"/.test(rival.said) || undefined, seconds);
      serves.catch(() => undefined);
      if ((await Promise.race([serves, rival.ended])) !== true) continue;
      rival.mayEnd = false;
      this.port = port;
      this.coordinators.push(rival);
      this.levels.set(rival, {});
      this.poll?.close();
      this.poll = new StatusPoll(this.address, (status) => this.note(status));
      return port;
    }
    throw new UserError('no other coordinator took over');
  }

  private async spawnCoordinator(port: number, fault?: string): Promise<CaseProcess> {
    const { folder, run, flags, place } = this.options;
    const { env } = this;
    const host = place?.address ?? '127.0.0.1';
    const resume = (await runExists(run, env)) ? ['--resume'] : [];
    const launch = ['--host', host, '--port', String(port), ...resume];
    const name = `coordinator-${this.coordinators.length}`;
    return new CaseProcess(name, {
      program: 'coordinator',
      args: [...flags, ...launch],
      env,
      fault,
      log: path.join(folder, `${name}-${port}.log`),
      ...(place && { within: place.within }),
    });
  }

  startWorker({ fault, place, through, env = {} }: StartOptions = {}): CaseProcess {
    const name = `worker-${this.workers.length}`;
    const worker = new CaseProcess(name, {
      program: 'worker',
      args: ['--coordinator', through ?? this.address, '--name', name, '--patience', '60'],
      env: { ...this.env, ...env },
      fault,
      log: path.join(this.options.folder, `${name}.log`),
      within: [...(place?.within ?? []), ...this.hostOf(this.workers.length)],
    });
    this.workers.push(worker);
    return worker;
  }

  startWorkers(count: number): CaseProcess[] {
    return Array.from({ length: count }, () => this.startWorker());
  }

  /** Waits until so many steps are done. */
  async reach(step: number, seconds = 120): Promise<void> {
    await this.until(`step ${step} is done`, () => (this.status?.step ?? 0) >= step, seconds);
  }

  /** Waits until something holds; fails at once where the run has ended before. */
  async until(what: string, holds: () => boolean, seconds = 120): Promise<void> {
    await until(
      what,
      () => {
        if (holds()) return true;
        const { end, sentence } = this.coordinator;
        if (end && end.signal !== 'SIGKILL')
          throw new UserError(
            `the coordinator ended (${describeEnd(end)}) before ${what}${sentence ? `: ${sentence}` : ''}`,
          );
        return undefined;
      },
      seconds,
    );
  }

  /** Whether the status ever told that a worker was in a state. */
  wasSeen({ name }: CaseProcess, state: 'LOST' | 'RELIEVED'): boolean {
    return this.seen.has(`${name} ${state}`);
  }

  /** Workers of the run, as the status tells: they have loaded, and are not lost. */
  get members(): number {
    const absent = new Set(['WORKER_STATE_LOST', 'WORKER_STATE_LOADING', 'WORKER_STATE_FETCHING']);
    return this.status?.workers.filter(({ state }) => !absent.has(state)).length ?? 0;
  }

  /** Whether the run has ended as it should. */
  get hasFinished(): boolean {
    return this.coordinator.end?.code === 0;
  }

  /** Waits for the run's end; throws where a coordinator ended in another way than by it, or by being killed. */
  async finished(seconds = 150): Promise<void> {
    await this.until('the run has ended', () => this.hasFinished, seconds);
    this.over = true;
  }

  /** Ends everything at once. */
  kill(): void {
    this.close();
    for (const each of [...this.coordinators, ...this.workers]) each.signal('SIGKILL');
  }

  /** No more restarts and questions. */
  close(): void {
    this.over = true;
    this.poll?.close();
  }

  /** How a worker is started on its host. */
  private hostOf(worker: number): string[] {
    const { hosts = 1 } = this.options;
    return hosts > 1 ? onHost(`host-${worker % hosts}`) : [];
  }

  private note(status: RunStatus): void {
    for (const { name, state } of status.workers)
      this.seen.add(`${name} ${state.replace('WORKER_STATE_', '')}`);
    this.mostWorkers = Math.max(this.mostWorkers, this.members);
    const levels = this.levels.get(this.coordinator)!;
    const level = this.coordinator.level();
    if (level === undefined || status.step < 2) return;
    levels.before ??= level;
    levels.after = level;
  }
}
