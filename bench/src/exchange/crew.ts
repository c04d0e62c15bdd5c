import path from 'node:path';
import { type AnsweringProgram, startAnswering } from '../answering-program.js';
import { residentBytes } from '../resident.js';
import type { Exchange, Way } from './constants.js';
import { type CpuTime, cpuBetween, cpuTimeOf } from './cpu-time.js';
import type { ExchangeAnswer, ExchangeOrder } from './member.js';

export interface ExchangeOptions {
  reduce: Way;
  exchange: Exchange;
  /** Values from the gradient's beginning; the whole gradient unless given. */
  values?: number;
  /** Where workers reach the coordinator instead of its own port. */
  through?: number;
}

/** An exchange that all took part in. */
export interface ExchangeFigures {
  /** The slowest worker's. */
  seconds: number;
  workers: ExchangeAnswer[];
  /** A worker's, as a mean, and the coordinator's. */
  workerCpu: CpuTime;
  coordinatorCpu: CpuTime;
}

const FORMATS = { exact: 'float32', bf16: 'bfloat16' } as const;

/** Workers without a model and a coordinator that only sums, each a process of its own. */
export class Crew {
  private step = 0;

  private constructor(
    private readonly values: number,
    private readonly coordinator: AnsweringProgram,
    private readonly workers: readonly AnsweringProgram[],
  ) {}

  /** Starts the processes; `values` is the length of the gradient, which each worker holds. */
  static async start(workers: number, values: number, signal: AbortSignal): Promise<Crew> {
    const running: AnsweringProgram[] = [];
    try {
      for (let each = 0; each <= workers; each++) {
        const args = [path.join(import.meta.dirname, 'member-child.js'), String(each === 0 ? 0 : values)];
        const name = each === 0 ? 'the coordinator' : `worker ${each - 1}`;
        running.push(await startAnswering(name, { command: process.execPath, args }, signal));
      }
    } catch (error) {
      for (const each of running) each.kill();
      throw error;
    }
    return new Crew(values, running[0]!, running.slice(1));
  }

  get coordinatorPort(): number {
    return portOf(this.coordinator);
  }

  /** Bytes of the coordinator's memory at their highest so far. */
  get coordinatorPeak(): number {
    return residentBytes('VmHWM', this.coordinator.pid);
  }

  async exchange({
    reduce,
    exchange,
    values = this.values,
    through,
  }: ExchangeOptions): Promise<ExchangeFigures> {
    const { workers, coordinator } = this;
    await Promise.all(workers.map((each, worker) => each.ask(`fill ${worker} ${values}`)));
    const order: ExchangeOrder = {
      step: ++this.step,
      format: FORMATS[exchange],
      workers: workers.length,
      total: this.values,
      ...(await this.placesOf(reduce, values)),
    };
    const before = this.cpuTimes();
    if (reduce === 'coordinator') await coordinator.ask(JSON.stringify(order));
    const reducers = through === undefined ? order.reducers : [{ ...order.reducers[0]!, port: through }];
    const answers = (await Promise.all(
      workers.map((each, worker) => each.ask(JSON.stringify({ ...order, reducers, worker }))),
    )) as unknown as ExchangeAnswer[];
    const after = this.cpuTimes();
    return {
      seconds: Math.max(...answers.map(({ seconds }) => seconds)),
      workers: answers,
      workerCpu: cpuBetween(before.worker, after.worker),
      coordinatorCpu: cpuBetween(before.coordinator, after.coordinator),
    };
  }

  /** Who adds up what. */
  private async placesOf(
    reduce: Way,
    values: number,
  ): Promise<Pick<ExchangeOrder, 'reducers' | 'neighbours' | 'processes'>> {
    const { workers } = this;
    const whole = { first: 0, end: values };
    if (reduce === 'coordinator') return { reducers: [{ port: this.coordinatorPort, ...whole }] };
    if (reduce === 'collective') {
      const answers = await Promise.all(workers.map((each) => each.ask('summing')));
      return { reducers: [], processes: answers.map(({ port }) => `127.0.0.1:${port as number}`) };
    }
    const ranges = workers.map((each, i) => ({
      port: portOf(each),
      first: Math.floor((i * values) / workers.length),
      end: Math.floor(((i + 1) * values) / workers.length),
    }));
    if (reduce === 'workers') return { reducers: ranges };
    const neighbours = ranges.map(({ port, first, end }, worker) => ({
      worker,
      process: workers[worker]!.pid,
      address: `127.0.0.1:${port}`,
      subtrees: [{ first: worker, count: 1 }],
      ...{ first, end },
    }));
    return { reducers: [], neighbours };
  }

  kill(): void {
    for (const each of [this.coordinator, ...this.workers]) each.kill();
  }

  private cpuTimes(): { worker: CpuTime; coordinator: CpuTime } {
    const times = this.workers.map(({ pid }) => cpuTimeOf(pid));
    const mean = (part: keyof CpuTime) =>
      times.reduce((sum, time) => sum + time[part], 0) / this.workers.length;
    return {
      worker: { all: mean('all'), loop: mean('loop') },
      coordinator: cpuTimeOf(this.coordinator.pid),
    };
  }
}

function portOf({ about }: AnsweringProgram): number {
  return about['port'] as number;
}
