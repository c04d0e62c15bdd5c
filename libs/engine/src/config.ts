/** The engine's slice of a run's configuration. Nothing imported here loads TensorFlow. */
import { z } from 'zod';

/** oneDNN's names, weakest first; `ONEDNN_MAX_CPU_ISA` takes them in capitals. */
const instructionSets = [
  'sse41',
  'avx',
  'avx2',
  'avx2_vnni',
  'avx512_core',
  'avx512_core_vnni',
  'avx512_core_bf16',
  'avx512_core_amx',
] as const;

/**
 * The same settings give the same bits, run after run. Another number of threads does not always: oneDNN shares the
 * inner dimension of a matrix product among threads where it is long (a vocabulary of 50,257), and rounds otherwise.
 * Kinds of device and instruction sets differ too. That is why these settings are part of a run's recorded config.
 */
export const engineConfig = z.strictObject({
  device: z
    .enum(['auto', 'cpu', 'gpu'])
    .default('auto')
    .describe('where to compute: auto takes a GPU where there is one; gpu fails where there is none'),
  threads: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('threads of TensorFlow; 0 takes one for each processor'),
  instructionSet: z
    .enum(instructionSets)
    .optional()
    .describe('strongest CPU instruction set to use, so that different machines compute the same bits'),
});
export type EngineConfig = z.infer<typeof engineConfig>;
