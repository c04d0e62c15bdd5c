import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteProxy } from '../byte-proxy.js';
import type { CaseProcess } from '../case-process.js';
import type { ChaosCase, Stage } from '../chaos-case.js';
import { type Fault, describeSchedule, randomSchedule } from '../random-schedule.js';
import { STEPS_PER_EPOCH } from '../../testing/tiny-run.js';

const EPOCHS = 5;

/** One in so many schedules is of a run whose checkpoints are validated. */
const VALIDATED_ONE_IN = 3;

/** The first `count` schedules of a seed. */
export function randomCases(seed: number, count: number): ChaosCase[] {
  return Array.from({ length: count }, (_, index) => randomCase(seed, index + 1));
}

function randomCase(seed: number, number: number): ChaosCase {
  const validates = number % VALIDATED_ONE_IN === 1;
  const schedule = randomSchedule(seed, number, { steps: EPOCHS * STEPS_PER_EPOCH, validates });
  const variant = number % 2 === 0 ? 'transformer' : 'mlp';
  return {
    name: `random ${number} of seed ${seed}`,
    did: describeSchedule(schedule),
    training: { epochs: EPOCHS, variant, validateEvery: validates ? 4 : 0 },
    // Whoever goes on from a later step than a lost checkpoint's makes another one, of that step.
    mayLackCheckpoints: true,
    flags: [
      ...['--checkpoint-every', '4', '--keep-checkpoints', '2', '--digest-every', '5'],
      ...(number % 3 === 2 ? ['--reduce', 'workers'] : []),
    ],
    neighbours: number % 4 >= 2,
    hosts: number % 4 === 3 ? 2 : 1,
    workers: schedule.workers,
    act: async (stage) => {
      const crew = new Crew(stage);
      const { coordinatorFault: fault } = schedule;
      await stage.cluster.startCoordinator(fault === undefined ? {} : { fault });
      for (let i = 0; i < schedule.workers; i++) await crew.join();
      for (const each of schedule.faults) {
        await crew.reach(each.step);
        await crew.strike(each);
      }
      await crew.mended();
      await stage.cluster.finished();
      // Whoever was cut off when the run ended has not heard of it; who came late may not have come to its point.
      for (const worker of stage.cluster.livingWorkers) worker.mayLinger = true;
      for (const each of [...stage.cluster.workers, ...stage.cluster.coordinators]) each.killedAt = undefined;
    },
  };
}

/** The workers of a random schedule, each behind a proxy of its own that can cut it off. */
class Crew {
  private readonly proxies = new Map<CaseProcess, ByteProxy>();
  private readonly mending: Promise<void>[] = [];

  constructor(private readonly stage: Stage) {}

  async join(fault?: string): Promise<CaseProcess> {
    const { cluster, proxy } = this.stage;
    const between = await proxy(Number(cluster.address.split(':')[1]));
    const worker = cluster.startWorker({ through: between.address, ...(fault !== undefined && { fault }) });
    this.proxies.set(worker, between);
    return worker;
  }

  /** Waits for a step, or for the run's end. */
  async reach(step: number): Promise<void> {
    const { cluster } = this.stage;
    await cluster.until(
      `step ${step} is done`,
      () => (cluster.status?.step ?? 0) >= step || cluster.hasFinished,
    );
  }

  /** Does a fault; what it takes away comes again: a killed worker is replaced, as a cluster does it. */
  async strike(fault: Fault): Promise<void> {
    const { cluster } = this.stage;
    if (cluster.hasFinished) return;
    if (fault.kind === 'join') return void (await this.join());
    if (fault.kind === 'join to die') return void this.replace(await this.join(fault.at));
    if (fault.kind === 'coordinator') return cluster.coordinator.signal('SIGKILL');
    const living = cluster.livingWorkers;
    const worker = living[fault.worker % living.length];
    if (worker === undefined) return;
    if (fault.kind === 'stop') this.stopFor(worker, fault.seconds);
    else if (fault.kind === 'part') this.partFor(worker, fault.seconds, fault.ways);
    else {
      worker.signal(fault.kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
      this.replace(worker);
    }
  }

  /** Waits until everything that was stopped or cut off is as before. */
  async mended(): Promise<void> {
    await Promise.all(this.mending);
  }

  private replace(worker: CaseProcess): void {
    void worker.ended.then(async () => {
      if (!this.stage.cluster.hasFinished) await this.join();
    });
  }

  private stopFor(worker: CaseProcess, seconds: number): void {
    worker.signal('SIGSTOP');
    this.mending.push(sleep(seconds * 1000).then(() => worker.signal('SIGCONT')));
  }

  private partFor(worker: CaseProcess, seconds: number, ways: readonly ('up' | 'down')[]): void {
    const between = this.proxies.get(worker)!;
    between.block(...ways);
    this.mending.push(sleep(seconds * 1000).then(() => between.unblock()));
  }
}
