import { z } from 'zod';

/** Which checkpoint of a run a command uses. */
export const checkpointOption = z
  .union([z.enum(['latest', 'best']), z.int().min(0)])
  .default('latest')
  .describe("The run's checkpoint: latest, best by its validation loss, or a step")
  .meta({ placeholder: 'STEP' });
