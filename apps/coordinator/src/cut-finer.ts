import { finerCut, partsOf } from '@captrain/data/order';
import { UserError } from '@captrain/runtime';
import type { Run } from './run.js';

/**
 * Batches are cut finer from a step on, which the run's config keeps: what they were cut into did not fit into a worker's
 * memory. Throws a UserError where a single caption does not.
 */
export async function cutFiner(
  { record, log }: Pick<Run, 'record' | 'log'>,
  { step, cut }: { readonly step: number; readonly cut: number },
  { name }: { name: string },
): Promise<void> {
  const finer = finerCut(record.config.batchSize, cut, partsOf(record.config));
  if (finer === undefined) throw doesNotFit(name, step);
  log.warn({ worker: name, step, microbatches: finer }, 'out of memory: smaller microbatches');
  await record.cutFrom(step, finer);
}

/** A step that no cut makes fit. */
function doesNotFit(name: string, step: number): UserError {
  return new UserError(
    `A microbatch of one caption does not fit into the memory of ${name} at step ${step}; take --checkpoint-activations, fewer --max-caption-tokens or a smaller language model.`,
  );
}
