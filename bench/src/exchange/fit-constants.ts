import { cpus } from 'node:os';
import { type Exchange, type ScalingConstants, VALUE_BYTES } from './constants.js';
import type { KernelSpeeds } from './kernel-speeds.js';
import type { Size } from './sizes.js';

/**
 * The model's constants: what a byte costs is of the smallest number of workers through the coordinator, so that the
 * others are predictions; what a call costs is of the largest.
 */
export function fitConstants(
  sizes: readonly Size[],
  parameters: number,
  kernels: KernelSpeeds,
): ScalingConstants {
  const least = sizes[0]!;
  const costs = (exchange: Exchange) => {
    const { workerCpu, coordinatorCpu } = least.exchanges.find(
      (each) => each.reduce === 'coordinator' && each.exchange === exchange,
    )!;
    // Up and down.
    const bytes = 2 * parameters * VALUE_BYTES[exchange];
    return {
      client: { loop: workerCpu.loop / bytes, all: workerCpu.all / bytes },
      reducer: {
        loop: coordinatorCpu.loop / (bytes * least.workers),
        all: coordinatorCpu.all / (bytes * least.workers),
      },
    };
  };
  return {
    processor: cpus()[0]!.model,
    cores: cpus().length,
    parameters,
    exact: costs('exact'),
    bf16: costs('bf16'),
    latencySeconds: least.latency,
    callSeconds: sizes.at(-1)!.callSeconds,
    sumBytesPerSecond: kernels.sum,
    measured: sizes.flatMap(({ exchanges }) =>
      exchanges.map(({ reduce, exchange, workers, seconds }) => ({ reduce, exchange, workers, seconds })),
    ),
  };
}
