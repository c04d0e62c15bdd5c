import type { LaunchConfig } from '@captrain/model/run';
import type { Crew } from '../membership/crew.js';
import { ReduceAmongWorkers } from './reduce-among-workers.js';
import { ReduceCollectively } from './reduce-collectively.js';
import type { ReduceHere } from './reduce-here.js';
import type { Reduction } from './reduction.js';

/** Who adds a run's gradients up, by `--reduce`; what is in doubt is added up here. */
export function reductionOf(reduce: LaunchConfig['reduce'], here: ReduceHere, crew: Crew): Reduction {
  if (reduce === 'workers') return new ReduceAmongWorkers(here);
  if (reduce !== 'collective') return here;
  const reduction = new ReduceCollectively(here);
  crew.observe(reduction.observe);
  return reduction;
}
