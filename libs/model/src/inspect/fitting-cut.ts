import { cutsOf } from '@captrain/data/order';
import { type MemoryCase, trainingMemory } from './training-memory.js';

/** The part of memory that is to stay free: an estimate is one. */
const MARGIN = 0.1;

/**
 * The fewest equal microbatches of a batch that fit, by an estimate, into the `free` bytes that are left on the device of
 * a worker once it has loaded the model. Where not even single captions do, those: it is tried. On a CPU (`onHost`) the
 * exchange, checkpoints and the coordinator take of the same memory.
 */
export function fittingCut(
  run: Omit<MemoryCase, 'microbatches'>,
  { free, onHost }: { free: number; onHost: boolean },
): number {
  const fits = (microbatches: number) => {
    const { device, weights, moments, exchange, checkpoint, coordinator } = trainingMemory({
      ...run,
      microbatches,
    });
    const beside = onHost ? exchange + checkpoint + coordinator : 0;
    return device - weights - moments + beside <= (1 - MARGIN) * free;
  };
  return cutsOf(run.batchSize).find(fits) ?? run.batchSize;
}
