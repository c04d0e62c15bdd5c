import type { CoordinatorConfig, RunConfig } from '@captrain/model/run';
import { UserError } from '@captrain/runtime';

/** Throws a UserError where `--reduce collective` was given with what it cannot do. */
export function refuseCollective(
  { reduce, localAggregation }: Pick<CoordinatorConfig, 'reduce' | 'localAggregation'>,
  { exchange }: Pick<RunConfig, 'exchange'>,
): void {
  if (reduce !== 'collective') return;
  if (exchange === 'bf16')
    throw new UserError(
      'TensorFlow sums float32 values alone, so --reduce collective does not go with --exchange bf16; take --reduce workers for that.',
    );
  if (localAggregation === true)
    throw new UserError(
      'The group of --reduce collective has a process for every worker, of one host or not, so it does not go with --local-aggregation; leave one of the two out.',
    );
}
