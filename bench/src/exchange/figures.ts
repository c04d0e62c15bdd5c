import { median } from '../median.js';
import type { Comparison } from './comparison.js';
import { VALUE_BYTES } from './constants.js';
import type { RealRunFigures } from './real-run.js';
import type { Size } from './sizes.js';

/** What the JSON line says; times are captrain's over gloo's. */
export interface ExchangeBenchFigures extends RealRunFigures {
  ratio_bf16: number;
  ratio_exact: number;
  ratio_bf16_star: number;
  ratio_exact_star: number;
  /** Of two workers of one host as they are by default: they need no network. */
  ratio_shared_memory: number;
  /** Of TensorFlow's collectives on CPUs; what NCCL takes between GPUs is another matter. */
  ratio_collective: number;
  /** Throughput with the delay over that without. */
  ratio_2ms: number;
  /** By number of workers: megabytes, the coordinator's peak. */
  coordinator_mb: Record<string, number>;
  /** By number of workers, with `--reduce workers`: bytes of a worker and step over 2 (N − 1)/N of the gradient. */
  worker_bytes: Record<string, number>;
}

export function figuresOf(
  comparison: Comparison,
  sizes: readonly Size[],
  values: number,
  real: RealRunFigures,
): ExchangeBenchFigures {
  const { own, gloo, sharedMemory, collective, proxied } = comparison;
  // Of the same round: what else the machine does falls on both.
  const ratio = (times: readonly number[], to = gloo) => median(times.map((time, i) => time / to[i]!));
  const star = { bf16: ratio(own.coordinator.bf16), exact: ratio(own.coordinator.exact) };
  const network = { bf16: ratio(own.workers.bf16), exact: ratio(own.workers.exact) };
  return {
    ratio_bf16: Math.min(star.bf16, network.bf16),
    ratio_exact: Math.min(star.exact, network.exact),
    ratio_bf16_star: star.bf16,
    ratio_exact_star: star.exact,
    ratio_shared_memory: ratio(sharedMemory),
    ratio_collective: ratio(collective),
    ratio_2ms: ratio(proxied.prompt, proxied.delayed),
    coordinator_mb: Object.fromEntries(
      sizes.map(({ workers, coordinatorPeak }) => [workers, coordinatorPeak / 1e6]),
    ),
    worker_bytes: Object.fromEntries(sizes.map((size) => [size.workers, byteRatio(size, values)])),
    ...real,
  };
}

/** The worse of both formats. */
function byteRatio({ workers, exchanges }: Size, values: number): number {
  const ratios = exchanges
    .filter(({ reduce }) => reduce === 'workers')
    .map(({ bytes, exchange }) => bytes / (2 * ((workers - 1) / workers) * values * VALUE_BYTES[exchange]));
  return ratios.reduce((a, b) => (Math.abs(b - 1) > Math.abs(a - 1) ? b : a));
}
