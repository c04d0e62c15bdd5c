import { median } from '../median.js';
import { type Exchange, type Reduce, exchanges, reduces } from './constants.js';
import type { CpuTime } from './cpu-time.js';
import { Crew, type ExchangeFigures } from './crew.js';

/** Exchanges of one number of workers in one way. */
export interface SizedExchange {
  reduce: Reduce;
  exchange: Exchange;
  workers: number;
  /** Medians of seconds and of times on the processor. */
  seconds: number;
  workerCpu: CpuTime;
  coordinatorCpu: CpuTime;
  /**
   * The most that any worker sent and received by its calls. With `--reduce workers` it serves as many as it calls, so
   * this is what it sends in all, and what it receives.
   */
  bytes: number;
}

export interface Size {
  workers: number;
  exchanges: SizedExchange[];
  /** Seconds of an exchange of a few values through the coordinator. */
  latency: number;
  /** Seconds of the coordinator's event loop for a worker in it: its calls. */
  callSeconds: number;
  coordinatorPeak: number;
}

export interface SizesOptions {
  values: number;
  rounds: number;
  progress: (text: string) => void;
  signal: AbortSignal;
}

const FEW = 1024;
const LATENCY_ROUNDS = 15;

/** Exchanges of so many workers in every way, in turn; a coordinator of their own, so that its memory is of them alone. */
export async function measureSize(workers: number, options: SizesOptions): Promise<Size> {
  const { values, rounds, progress, signal } = options;
  progress(`starting ${workers} workers`);
  const crew = await Crew.start(workers, values, signal);
  try {
    const ways = reduces.flatMap((reduce) => exchanges.map((exchange) => ({ reduce, exchange })));
    const figures = new Map(ways.map((way) => [way, [] as ExchangeFigures[]]));
    for (let round = 0; round <= rounds; round++)
      for (const way of ways) {
        progress(`${workers} workers: ${way.reduce}, ${way.exchange}, round ${round} of ${rounds}`);
        const measured = await crew.exchange(way);
        signal.throwIfAborted();
        // The first warms up.
        if (round > 0) figures.get(way)!.push(measured);
      }
    return {
      workers,
      exchanges: ways.map((way) => ({ ...way, workers, ...medians(figures.get(way)!) })),
      coordinatorPeak: crew.coordinatorPeak,
      ...(await latencyOf(crew)),
    };
  } finally {
    crew.kill();
  }
}

function medians(all: readonly ExchangeFigures[]) {
  const of = (pick: (figures: ExchangeFigures) => number) => median(all.map(pick));
  return {
    seconds: of(({ seconds }) => seconds),
    workerCpu: { all: of(({ workerCpu }) => workerCpu.all), loop: of(({ workerCpu }) => workerCpu.loop) },
    coordinatorCpu: {
      all: of(({ coordinatorCpu }) => coordinatorCpu.all),
      loop: of(({ coordinatorCpu }) => coordinatorCpu.loop),
    },
    bytes: Math.max(
      ...all.flatMap(({ workers }) =>
        workers.map(({ bytesSent, bytesReceived }) => bytesSent + bytesReceived),
      ),
    ),
  };
}

async function latencyOf(crew: Crew): Promise<{ latency: number; callSeconds: number }> {
  const all: ExchangeFigures[] = [];
  for (let i = 0; i < LATENCY_ROUNDS; i++)
    all.push(await crew.exchange({ reduce: 'coordinator', exchange: 'exact', values: FEW }));
  return {
    latency: median(all.map(({ seconds }) => seconds)),
    callSeconds: median(all.map(({ workers, coordinatorCpu }) => coordinatorCpu.loop / workers.length)),
  };
}
