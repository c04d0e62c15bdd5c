import type { LaunchConfig, RunConfig } from '@captrain/model/run';
import type { Crew } from '../membership/crew.js';
import { ReduceAmongWorkers } from './reduce-among-workers.js';
import { ReduceCollectively } from './reduce-collectively.js';
import { ReduceHere } from './reduce-here.js';
import type { Reduction } from './reduction.js';

/** Who adds a run's gradients up, by `--reduce`. */
export function reductionOf(
  reduce: LaunchConfig['reduce'],
  { exchange }: Pick<RunConfig, 'exchange'>,
  crew: Crew,
): Reduction {
  if (reduce === 'workers') return new ReduceAmongWorkers();
  if (reduce === 'collective') {
    const reduction = new ReduceCollectively();
    crew.observe(reduction.observe);
    return reduction;
  }
  return new ReduceHere(exchange === 'bf16' ? 'bfloat16' : 'float32', (refusal) =>
    crew.post({ type: 'refused', ...refusal }),
  );
}
